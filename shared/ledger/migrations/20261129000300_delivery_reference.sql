-- migrate:up transaction:false

-- By it the notifier finds the delivery that a receipt of an SMSC names by the SMSC's own id. No writer waits for it.
create index concurrently if not exists delivery_reference on delivery (reference)
    where channel = 'sms' and reference <> '';

-- migrate:down

drop index if exists delivery_reference;
