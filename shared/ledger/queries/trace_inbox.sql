-- When these messages were handled, and what they correlate with.
select message_id, done, correlation_id, at from inbox where message_id = any($1::uuid[])
