-- Enter the canary of the present slot of a channel, by the ledger's own clock; gives nothing if it is there.
insert into canary (channel, slot, delivery)
values ($1, date_bin($2::interval, now(), timestamptz 'epoch'), $3::uuid)
on conflict (channel, slot) do nothing
returning true
