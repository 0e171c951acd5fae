-- migrate:up transaction:false

-- By it the notifier finds PEC that was never accepted. Only rows that wait are in it; no writer waits for it.
create index concurrently if not exists delivery_awaits on delivery (awaits_since) where awaits_since is not null;

-- migrate:down

drop index if exists delivery_awaits;
