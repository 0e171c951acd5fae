-- migrate:up transaction:false

-- By it the notifier finds deliveries that it need not keep any longer. No writer waits for it.
create index concurrently if not exists delivery_oldest on delivery (made_at);

-- migrate:down

drop index if exists delivery_oldest;
