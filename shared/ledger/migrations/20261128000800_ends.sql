-- migrate:up

-- Data ends. Everything here finds its rows by an index, oldest first; writers wait for a moment only.

-- Whose PIN has ended, and since when: by it the issuer finds whom it need not keep any longer. The accounts' triggers
-- keep it: no worker can write it, and the issuer can only strike out whom it has forgotten.
create table ended (
    subject bytea primary key references account (subject) on delete cascade,
    at      timestamptz not null
);
create index ended_oldest on ended (at, subject);

create function account_ended() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.status in ('revoked', 'expired') then
        insert into ended (subject, at) values (new.subject, now())
        on conflict (subject) do update set at = excluded.at;
    else
        delete from ended where subject = new.subject;
    end if;
    return null;
end $$;
revoke execute on function account_ended() from public;
-- What changes no status, or leads from one live status to another, does not run it.
create trigger account_ended after update on account for each row
    when (old.status is distinct from new.status
          and (old.status in ('revoked', 'expired') or new.status in ('revoked', 'expired')))
    execute function account_ended();

grant select, delete on ended to issuer;

insert into entry_kind (writer, kind) values ('issuer', 'citizen.erased');

-- When a delivery was recorded first: unlike `at` it never moves, so that an index on it costs one insertion a row.
-- Rows from before count as recorded now. Their index is made by the next migration.
alter table delivery add column made_at timestamptz not null default now();

-- Forget deliveries recorded longer ago than `older`, the oldest first, from an instant on, at most so many. One process
-- does so at a time. Gives how many there were, and the instant from which to go on. Whoever calls it, deliveries of the
-- last thirty days stay.
create function forget_deliveries(older interval, since timestamptz, most integer)
returns table (rows bigint, last timestamptz)
language sql security definer set search_path = public, pg_temp as $$
    with turn as materialized (select pg_try_advisory_xact_lock(hashtext('forget_deliveries')) as ours),
    gone as (
        delete from delivery where ctid = any(array(
            select ctid from delivery
            where (select ours from turn) and made_at >= $2 and made_at < now() - greatest($1, interval '30 days')
            order by made_at limit $3
            for update skip locked))
        returning made_at
    )
    select count(*), max(made_at) from gone
$$;
revoke execute on function forget_deliveries(interval, timestamptz, integer) from public;
grant execute on function forget_deliveries(interval, timestamptz, integer) to notifier;

-- migrate:down

delete from entry_kind where kind = 'citizen.erased';
drop function forget_deliveries(interval, timestamptz, integer);
alter table delivery drop column made_at;
drop trigger account_ended on account;
drop function account_ended();
drop table ended;
