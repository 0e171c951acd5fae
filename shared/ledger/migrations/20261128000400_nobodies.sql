-- migrate:up

-- Citizens of whom nothing is known but that somebody guessed a PIN of theirs: they have no entry, and their account has
-- a count and nothing else. Anybody can name any number of them. `at` is that of the last guess; some time after it
-- the rows go (`forget_nobodies`). All other accounts, which are many, have no row here.
create table nobody (
    subject bytea primary key check (octet_length(subject) = 16),
    at      timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
create index nobody_oldest on nobody (at);

-- Written as their owner, whichever worker counts a guess: none may write the table itself. Accounts of any other
-- status do not get as far as the function.
create function account_of_nobody() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into nobody (subject, at)
    select key, now() from subject where key = new.subject and entries = 0
    on conflict (subject) do update set at = excluded.at;
    return null;
end $$;
revoke execute on function account_of_nobody() from public;
create trigger account_of_nobody after insert or update on account
    for each row when (new.status = 'none') execute function account_of_nobody();

-- Forget nobodies at whom nobody has guessed for that long: the oldest, from an instant on, at most so many. One
-- process at a time. Gives how many were looked at, and the instant from which to go on.
-- A citizen is locked first, as by every worker, and one whom a worker holds is left for the next time; what is deleted
-- is looked for after that, so that it is what the worker before left. Whoever has an entry by now is somebody.
create function forget_nobodies(quiet interval, since timestamptz, most integer, out rows bigint, out last timestamptz)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    until constant timestamptz := now() - quiet;
    found_old bytea[];
    held      bytea[];
    gone      bytea[];
begin
    rows := 0;
    if not pg_try_advisory_xact_lock(hashtext('forget_nobodies')) then
        return;
    end if;
    select array_agg(old.subject), count(*), max(old.at) into found_old, rows, last
    from (select n.subject, n.at from nobody as n where n.at >= since and n.at < until order by n.at limit most) as old;
    held := array(select key from subject where key = any(found_old) order by key for update skip locked);
    with old as (delete from nobody as n where n.subject = any(held) and n.at < until returning n.subject)
    select array_agg(old.subject) into gone from old
    where exists (select from subject as s where s.key = old.subject and s.entries = 0)
      and not exists (select from entry as e where e.subject = old.subject);
    delete from account as a where a.subject = any(gone) and a.status = 'none';
    delete from unreadable as u where u.subject = any(gone);
    delete from subject as s
    where s.key = any(gone) and not exists (select from account as a where a.subject = s.key);
end $$;
revoke execute on function forget_nobodies(interval, timestamptz, integer) from public;
grant execute on function forget_nobodies(interval, timestamptz, integer) to issuer;

-- What the revoker says since wrong health cards are counted, and since a restore takes back contacts that still cool.
insert into entry_kind (writer, kind) values ('revoker', 'health_card.locked'), ('revoker', 'contacts.updated');

-- migrate:down

delete from entry_kind where writer = 'revoker' and kind in ('health_card.locked', 'contacts.updated');
drop function forget_nobodies(interval, timestamptz, integer);
drop trigger account_of_nobody on account;
drop function account_of_nobody();
drop table nobody;
