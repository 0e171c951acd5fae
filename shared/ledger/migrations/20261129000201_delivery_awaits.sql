-- migrate:up transaction:false

-- By it the notifier finds PEC that was never accepted. Only rows that wait are in it; no writer waits for it.
-- Interrupted, it leaves an index that is no use, by which no second run passes: docs/operations.md.
create index concurrently delivery_awaits on delivery (awaits_since) where awaits_since is not null;

-- migrate:down

set local lock_timeout = '5s';
drop index if exists delivery_awaits;
