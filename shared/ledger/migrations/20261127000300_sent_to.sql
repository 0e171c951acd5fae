-- migrate:up

-- How many messages that anybody can call forth went to one mobile or mailbox on one day (of Italy), over all
-- citizens. `place` is a keyed digest of the address: nobody without the pepper can tell whose it is. Each batch
-- adds rows of its own, so that no row is written by two and nobody waits for another. Housekeeping forgets old days.
create table sent_to (
    day      date not null,
    place    bytea not null check (octet_length(place) = 16),
    messages integer not null check (messages > 0)
);
create index sent_to_place on sent_to (day, place);

grant select, insert on sent_to to issuer;
grant select, delete on sent_to to issuer, revoker, dispositivo, notifier;  -- every worker keeps house

-- migrate:down

drop table sent_to;
