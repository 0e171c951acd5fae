-- migrate:up

-- Waits for whoever writes, five seconds at most; run it again if they do not let it.
set local lock_timeout = '5s';

-- Letters wait here, sealed to the channel, and go to the print shop as jobs, one or more a day and region.

-- Days that are closed: nothing more goes into their jobs. Whoever enters a day makes its jobs in the same transaction.
create table print_day (
    day       date primary key,
    letters   integer not null check (letters >= 0),
    closed_at timestamptz not null default now()
);

-- A job: which letters it has is fixed by the transaction that makes it, and so is the digest over them.
create table print_job (
    id        text primary key check (id ~ '^[0-9]{8}-[A-Z-]+-[0-9]+$'),
    day       date not null references print_day (day),
    region    text not null,
    sequence  integer not null check (sequence > 0),
    letters   integer not null check (letters > 0),
    digest    bytea not null check (octet_length(digest) = 32),
    state     text not null default 'closed' check (state in ('closed', 'handed')),
    tries     integer not null default 0,
    due_at    timestamptz not null default now(),
    handed_at timestamptz,
    unique (day, region, sequence)
);
create index print_job_closed on print_job (day, id) where state = 'closed';

-- The lawful changes of a letter's state; the trigger below refuses any other.
create table lawful_letter (
    before text not null,
    after  text not null,
    primary key (before, after)
);
insert into lawful_letter (before, after) values
    ('waiting', 'closed'), ('waiting', 'erased'), ('waiting', 'forgotten'),
    ('closed', 'handed'), ('closed', 'failed'), ('closed', 'erased'), ('closed', 'forgotten'),
    ('handed', 'printed'), ('handed', 'posted'), ('handed', 'returned'),
    ('handed', 'waiting'), ('handed', 'failed'),
    ('printed', 'posted'), ('printed', 'returned'), ('printed', 'failed'),
    ('posted', 'returned');

-- One row a letter. `bundle_key` and `seal` are what only the channel opens, as they came: the first is the key of its
-- bundle, sealed to the channel's key `key_id`, the second the letter under it, bound to the delivery. Both are null
-- once nobody needs them; the digest of both stays. A letter that the shop has damaged waits again, and says of which
-- job it was.
create table letter (
    delivery   uuid primary key,
    subject    bytea not null check (octet_length(subject) = 16),
    region     text not null,
    day        date not null,
    state      text not null default 'waiting' check (state in
                   ('waiting', 'closed', 'handed', 'printed', 'posted', 'returned', 'failed', 'erased', 'forgotten')),
    job        text references print_job (id),
    place      integer check (place > 0),
    printings  smallint not null default 0,
    digest     bytea not null check (octet_length(digest) = 32),
    key_id     text not null,
    bundle_key bytea,
    seal       bytea,
    kept_at    timestamptz not null default now(),
    at         timestamptz not null default now(),
    check ((bundle_key is null) = (seal is null)),
    check ((job is null) = (place is null)),
    check (state not in ('closed', 'handed', 'printed', 'posted', 'returned', 'failed') or job is not null)
) with (fillfactor = 70);
create index letter_unfinished on letter (state, day, kept_at, delivery) where state in ('waiting', 'closed', 'handed');
create index letter_job on letter (job, place);
create index letter_sealed on letter (kept_at) where seal is not null;
create index letter_of on letter (subject) where seal is not null;
create index letter_oldest on letter (kept_at);

-- What no writer may do, whatever it holds: another content, an unlawful state, a change of which letters a job has.
create function letter_moves() returns trigger language plpgsql as $$
begin
    if new.state <> old.state
       and not exists (select from lawful_letter where before = old.state and after = new.state) then
        raise exception 'letter: % after %', new.state, old.state;
    end if;
    if (new.job is distinct from old.job or new.place is distinct from old.place or new.printings <> old.printings)
       and not (old.state = 'waiting' and new.state = 'closed' and new.printings = old.printings + 1) then
        raise exception 'letter: a job keeps its letters';
    end if;
    if new.seal is not null and (new.seal, new.bundle_key) is distinct from (old.seal, old.bundle_key) then
        raise exception 'letter: its content never changes';
    end if;
    return new;
end $$;
create trigger letter_moves before update on letter for each row execute function letter_moves();
revoke execute on function letter_moves() from public;

-- Whoever is erased, by an operator or when a period is over: the content of what still waits goes with the erasure.
-- What was kept since is of somebody who asked anew; an entry that is only moved finds nothing more (a minute is for clocks
-- that differ).
create function letters_erased() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update letter set
        state = case when state in ('waiting', 'closed') then 'erased' else state end,
        bundle_key = null, seal = null, at = now()
    where subject = new.subject and seal is not null and kept_at < new.at + interval '1 minute';
    return null;
end $$;
revoke execute on function letters_erased() from public;
create trigger letters_erased after insert on entry for each row
    when (new.kind = 'citizen.erased') execute function letters_erased();

-- Forget letters whose content is gone, kept first longer ago than `older`, in the same way as deliveries.
create function forget_letters(older interval, since timestamptz, most integer)
returns table (rows bigint, last timestamptz)
language sql security definer set search_path = public, pg_temp as $$
    with turn as materialized (select pg_try_advisory_xact_lock(hashtext('forget_letters')) as ours),
    gone as (
        delete from letter where ctid = any(array(
            select ctid from letter
            where (select ours from turn) and kept_at >= $2 and kept_at < now() - greatest($1, interval '30 days')
              and seal is null
            order by kept_at limit $3
            for update skip locked))
        returning kept_at
    )
    select count(*), max(kept_at) from gone
$$;
revoke execute on function forget_letters(interval, timestamptz, integer) from public;
grant execute on function forget_letters(interval, timestamptz, integer) to notifier;

-- What waits sealed to a channel's key is counted with the bundles in the outbox: the key is needed as long.
create or replace function bundles_sealed(ids text[]) returns table (key_id text, found bigint)
language sql stable security definer set search_path = public, pg_temp as $$
    select one.id, sum(one.found)::bigint from (
        select named.id, count(*) as found
        from unnest(ids) as named (id)
        join outbox on position(convert_to('\"key_id\":\"' || named.id || '\"', 'UTF8') in parcel) > 0
        group by named.id
        union all
        select letter.key_id, count(*) from letter
        where letter.seal is not null and letter.key_id = any(ids)
        group by letter.key_id
    ) as one
    group by one.id
$$;

grant select on print_day, print_job, letter to notifier;
grant insert (day, letters) on print_day to notifier;
grant insert (id, day, region, sequence, letters, digest), update (state, tries, due_at, handed_at)
    on print_job to notifier;
grant insert (delivery, subject, region, day, digest, key_id, bundle_key, seal),
      update (state, day, job, place, printings, bundle_key, seal, at)
    on letter to notifier;
grant select on lawful_letter to notifier;
grant select on print_day, print_job to pinctl;
grant select (delivery, region, day, state, job, place, printings, key_id, kept_at, at) on letter to pinctl;

-- migrate:down

set local lock_timeout = '5s';
create or replace function bundles_sealed(ids text[]) returns table (key_id text, found bigint)
language sql stable security definer set search_path = public, pg_temp as $$
    select named.id, count(*)
    from unnest(ids) as named (id)
    join outbox on position(convert_to('\"key_id\":\"' || named.id || '\"', 'UTF8') in parcel) > 0
    group by named.id
$$;
drop function forget_letters(interval, timestamptz, integer);
drop trigger letters_erased on entry;
drop function letters_erased();
drop table letter;
drop function letter_moves();
drop table lawful_letter;
drop table print_job;
drop table print_day;
