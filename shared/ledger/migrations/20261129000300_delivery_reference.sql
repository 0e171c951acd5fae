-- migrate:up transaction:false

-- By it the notifier finds the delivery that a receipt of an SMSC names by the SMSC's own id. No writer waits for it.
-- Interrupted, it leaves an index that is no use, by which no second run passes: docs/operations.md.
create index concurrently delivery_reference on delivery (reference)
    where channel = 'sms' and reference <> '';

-- migrate:down

set local lock_timeout = '5s';
drop index if exists delivery_reference;
