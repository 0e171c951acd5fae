-- Which of these messages this worker saw before, and what it answered. One without an answer is older than answers
-- are: it may be any worker's, and a row of our own goes before it. Each is looked up by itself: a table that has just
-- begun to grow would be read from end to end for the whole list.
select wanted.message_id, seen.digest, seen.done, seen.answer, seen.reply
from unnest($1::uuid[]) as wanted (message_id)
cross join lateral (
    select digest, done, answer, reply from inbox
    where message_id = wanted.message_id order by answer is null limit 1
) as seen
