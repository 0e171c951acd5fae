-- migrate:up transaction:false

-- By it the notifier knows that receipts of PEC are read at all, and up to when. No writer waits for it.
create index concurrently if not exists delivery_heard on delivery (made_at) where channel = 'pec' and reported <> '';

-- migrate:down

drop index if exists delivery_heard;
