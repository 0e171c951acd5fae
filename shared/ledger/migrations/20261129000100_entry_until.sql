-- migrate:up

-- The entries of the ledger get months: partitions by `at`. This and the next two migrations make the table that is
-- there the first month, without writing a row of it anew. Workers go on meanwhile. Here: until when the first lasts.
-- Waits for whoever is writing entries, five seconds at most; run it again if they do not let it.
set local lock_timeout = '5s';

-- The months of the ledger, one after the other without a gap, in UTC. The first has all that was before months were.
--   month:      its first day, by which it is named; of the first month, the first day of its last calendar month
--   closed_at:  since then the month takes no entry
--   retired_at: since then its entries are in the archive alone; where the chains go on is in `sealed_head`
-- Only the functions below write here. What it says proves nothing: what does is signed, in the log of checkpoints.
create table entry_month (
    month      date primary key,
    since      timestamptz not null unique,
    until      timestamptz not null unique check (until > since),
    closed_at  timestamptz,
    retired_at timestamptz check (retired_at >= closed_at)
);
grant select on entry_month to pinctl;

do $$
declare
    -- Two days to spare, for the next migrations; and no entry that there is may be left out, whatever clock wrote it.
    latest constant timestamp := greatest(now() + interval '2 days', (select max(at) from entry)) at time zone 'UTC';
    ends   constant timestamptz := (date_trunc('month', latest) + interval '1 month') at time zone 'UTC';
begin
    insert into entry_month (month, since, until) values (date_trunc('month', latest), '-infinity', ends);
    execute format('alter table entry add constraint entry_until check (at < %L) not valid', ends);
end $$;

-- migrate:down

set local lock_timeout = '5s';
alter table entry drop constraint if exists entry_until;
drop table entry_month;
