-- Which of these messages this worker saw before, and what it answered. One without an answer is older than answers
-- are: it may be any worker's, and a row of our own goes before it.
select distinct on (message_id) message_id, digest, done, answer, reply
from inbox where message_id = any($1::uuid[])
order by message_id, answer is null
