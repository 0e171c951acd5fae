-- The entries that were written for one correlation id.
select subject, seq, at, kind, message_id, actor, correlation_id, data
from entry where correlation_id = $1 order by subject, seq
