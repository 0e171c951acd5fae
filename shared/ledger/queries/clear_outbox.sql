-- Forget what the broker has confirmed.
delete from outbox where id = any($1::uuid[])
