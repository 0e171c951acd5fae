-- Every chain, or that of one citizen, entry by entry in the order of its links.
select subject, seq, at, kind, message_id, actor, correlation_id, data, writer, account, hash
from entry where $1::bytea is null or subject = $1
order by subject, seq
