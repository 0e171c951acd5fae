-- migrate:up transaction:false

-- By it the notifier knows that receipts of PEC are read at all, and up to when. No writer waits for it.
-- Interrupted, it leaves an index that is no use, by which no second run passes: docs/operations.md.
create index concurrently delivery_heard on delivery (made_at) where channel = 'pec' and reported <> '';

-- migrate:down

set local lock_timeout = '5s';
drop index if exists delivery_heard;
