-- migrate:up

-- Attempts at a PIN that have no answer yet: whoever comes next takes each for a failure. A row is there from before the
-- comparison until the answer is committed; the table stays small. One body of one message is one attempt.
create table attempt (
    subject    bytea not null check (octet_length(subject) = 16),
    message_id uuid not null,
    digest     bytea not null,
    at         timestamptz not null,
    primary key (subject, message_id, digest)
);
-- Whose attempt is all that is known of them is forgotten like anybody at whom strangers guess.
create trigger attempt_at_nobody after insert on attempt for each row execute function account_of_nobody();

-- Log-ins since the last entry of one, which is not counted; `last` is that of the latest, be it the entry's. The first
-- log-in of a month gets an entry, and tells how many were counted before it: so the row is one a citizen, and written
-- in place.
create table log_in (
    subject bytea primary key check (octet_length(subject) = 16),
    times   integer not null check (times >= 0),
    last    timestamptz not null
) with (fillfactor = 80);

grant select, insert, delete on attempt to issuer;
grant select, insert, update (times, last) on log_in to issuer;
grant select on log_in to pinctl;

-- migrate:down

-- Waits for whoever writes, five seconds at most; run it again if they do not let it.
set local lock_timeout = '5s';

-- Log-ins that no entry tells of yet are lost. Attempts under way are opened anew, as their messages come back.
drop table log_in;
drop table attempt;
