-- The log-ins of citizens that no entry tells of yet.
select subject, times, last from log_in where subject = any($1::bytea[]) and times > 0
