-- The whole life of citizens.
select subject, seq, at, kind, message_id, actor, correlation_id, data
from entry where subject = any($1::bytea[]) order by subject, seq
