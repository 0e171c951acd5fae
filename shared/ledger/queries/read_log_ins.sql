-- How many log-ins of citizens were counted since the last entry of one, and when the last was, that one included.
select subject, times, last from log_in where subject = any($1::bytea[])
