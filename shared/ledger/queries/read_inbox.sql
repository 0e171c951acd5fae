-- Which of these messages were seen before, and what was answered.
select message_id, digest, done, reply from inbox where message_id = any($1::uuid[])
