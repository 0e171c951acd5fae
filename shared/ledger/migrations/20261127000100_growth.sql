-- migrate:up

-- What grows never slows: every statement that runs in a loop finds its rows by an index, and what is counted is
-- counted when it is written. Writers wait while this runs: some ten seconds a million citizens.
-- The locks are taken first, and that of the inbox before all: a batch reads it before it writes anything, so whoever
-- is past that ends undisturbed, and nobody waits for another in a circle.
lock table inbox in access exclusive mode;
lock table account, entry, delivery, suspect in share row exclusive mode;
lock table outbox in access exclusive mode;

-- The name of a role has a collation of its own, and an index on text is of no use to it. As a text it has the index's.
alter policy own_rows on outbox
    using (worker = current_user::text collate "default") with check (worker = current_user::text collate "default");

-- The instant of the batch that a row comes from: the `at` of the entries of the same transaction. By it a trace finds
-- a citizen's rows without looking into everybody's. Rows of older workers have none.
alter table outbox add column made_at timestamptz;
create index outbox_made on outbox (made_at);

-- Forgetting begins at the oldest. (A BRIN index finds nothing once rows are written where others were deleted.)
create index inbox_oldest on inbox (at);
drop index inbox_at;
create index suspect_oldest on suspect (at);

-- Who has moved after an instant. Entries are appended and never moved, so their place tells their time.
create index entry_at on entry using brin (at) with (pages_per_range = 32, autosummarize = on);

-- Rows that come and go beside a million that stay: a fifth of all, the default, would be dead before a vacuum, and
-- whoever reads from the oldest passes each of them. With few dead ones a vacuum would leave the index as it is.
alter table outbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, vacuum_index_cleanup = on);
alter table inbox set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);

-- How many rows there are of a kind: a sum, and the changes since it was made. Writers only ever append changes, so that
-- none waits for another; `fold_tally` adds them up.
--   counted 'account':  by `status` and `name`, the level
--   counted 'delivery': by `status` and `name`, the channel; `since`, the five minutes in which it last moved
--   counted 'outbox':   by `name`, the worker
create table tally (
    counted text not null,
    since   timestamptz,
    name    text,
    status  text,
    many    bigint not null,
    unique nulls not distinct (counted, since, name, status)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create table tally_change (
    id      bigint generated always as identity primary key,
    counted text not null,
    since   timestamptz,
    name    text,
    status  text,
    many    bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, vacuum_index_cleanup = on);

create view tallied as
select counted, since, name, status, many from tally
union all
select counted, since, name, status, many from tally_change;

create function tally_since(at timestamptz) returns timestamptz language sql immutable parallel safe
return date_bin('5 minutes', at, timestamptz '2000-01-01 00:00:00+00');

-- The triggers see what a statement did, whoever ran it and however; what is rolled back takes its change along.
-- They write as their owner: no worker can write the tally.
create function tally_accounts() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into tally_change (counted, name, status, many)
        select 'account', level, status, count(*) from fresh group by level, status;
    elsif tg_op = 'DELETE' then
        insert into tally_change (counted, name, status, many)
        select 'account', level, status, -count(*) from gone group by level, status;
    else
        insert into tally_change (counted, name, status, many)
        select 'account', level, status, sum(one)
        from (select level, status, 1 as one from fresh union all select level, status, -1 from gone) as changed
        group by level, status having sum(one) <> 0;
    end if;
    return null;
end $$;
create function tally_deliveries() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into tally_change (counted, since, name, status, many)
        select 'delivery', tally_since(at), channel, status, count(*) from fresh group by 2, 3, 4;
    elsif tg_op = 'DELETE' then
        insert into tally_change (counted, since, name, status, many)
        select 'delivery', tally_since(at), channel, status, -count(*) from gone group by 2, 3, 4;
    else
        insert into tally_change (counted, since, name, status, many)
        select 'delivery', since, channel, status, sum(one)
        from (
            select tally_since(at) as since, channel, status, 1 as one from fresh
            union all
            select tally_since(at), channel, status, -1 from gone
        ) as changed
        group by since, channel, status having sum(one) <> 0;
    end if;
    return null;
end $$;
create function tally_outbox() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into tally_change (counted, name, many) select 'outbox', worker, count(*) from fresh group by worker;
    else
        insert into tally_change (counted, name, many) select 'outbox', worker, -count(*) from gone group by worker;
    end if;
    return null;
end $$;

create trigger tally_insert after insert on account
    referencing new table as fresh for each statement execute function tally_accounts();
create trigger tally_update after update on account
    referencing old table as gone new table as fresh for each statement execute function tally_accounts();
create trigger tally_delete after delete on account
    referencing old table as gone for each statement execute function tally_accounts();
create trigger tally_insert after insert on delivery
    referencing new table as fresh for each statement execute function tally_deliveries();
create trigger tally_update after update on delivery
    referencing old table as gone new table as fresh for each statement execute function tally_deliveries();
create trigger tally_delete after delete on delivery
    referencing old table as gone for each statement execute function tally_deliveries();
create trigger tally_insert after insert on outbox
    referencing new table as fresh for each statement execute function tally_outbox();
create trigger tally_delete after delete on outbox
    referencing old table as gone for each statement execute function tally_outbox();

-- Add so many changes, at most, to the sums; returns how many there were. One at a time: whoever comes meanwhile finds
-- nothing to do. Deliveries that moved more than two days ago are summed as one, so that the sums stay few.
create function fold_tally(most integer) returns bigint
language sql security definer set search_path = public, pg_temp as $$
    with turn as materialized (select pg_try_advisory_xact_lock(hashtext('fold_tally')) as ours),
    folded as (
        delete from tally_change
        where id = any(array(
            select id from tally_change where (select ours from turn) order by id limit $1 for update skip locked))
        returning counted, since, name, status, many
    ),
    aged as (
        delete from tally
        where (select ours from turn)
          and counted = 'delivery' and since > '-infinity' and since < now() - interval '2 days'
        returning counted, since, name, status, many
    ),
    summed as (
        insert into tally (counted, since, name, status, many)
        select counted, case when since < now() - interval '2 days' then '-infinity' else since end, name, status, sum(many)
        from (select * from folded union all select * from aged) as every
        group by 1, 2, 3, 4
        having sum(many) <> 0
        on conflict (counted, since, name, status) do update set many = tally.many + excluded.many
    )
    select count(*) from folded
$$;
revoke execute on function fold_tally(integer) from public;
grant execute on function fold_tally(integer) to issuer, notifier, revoker, dispositivo;

-- Make the tally anew from what is there: once here, and by the owner after triggers were switched off (a restore of
-- single tables, a bulk load). Writers wait meanwhile.
create function recount() returns void language sql set search_path = public, pg_temp as $$
    lock table account, delivery, outbox in share row exclusive mode;
    delete from tally_change;
    delete from tally;
    insert into tally (counted, name, status, many)
    select 'account', level, status, count(*) from account group by level, status;
    insert into tally (counted, since, name, status, many)
    select 'delivery', case when at < now() - interval '2 days' then '-infinity' else tally_since(at) end,
           channel, status, count(*)
    from delivery group by 2, 3, 4;
    insert into tally (counted, name, many) select 'outbox', worker, count(*) from outbox group by worker;
$$;
revoke execute on function recount() from public;
select recount();

grant select on tallied to pinctl;

-- What waits in the outbox about a citizen or a correlation id, as before, but looked for where it can be: among the
-- rows of the batches that wrote about it, and among those that are due soon, which is all that leaves without an entry.
create function outbox_about(needles text[], moments timestamptz[])
returns table (worker text, due_at timestamptz, tries smallint, type text, routing_key text)
language sql stable security definer set search_path = public, pg_temp as $$
    with candidate as (
        select id from outbox where made_at = any($2)
        union
        select id from outbox where made_at is null
        union
        select soon.id
        from (select distinct name from tallied where counted = 'outbox') as holder
        cross join lateral (
            select id from outbox
            where worker = holder.name and due_at < now() + interval '1 hour'
            order by due_at limit 1000) as soon
    )
    select o.worker, o.due_at, o.tries, m ->> 3, m ->> 1
    from candidate
    join outbox as o using (id)
    cross join lateral json_array_elements(convert_from(o.parcel, 'UTF8')::json) as m
    where exists (
            select from unnest($1) as needle where position(convert_to(needle, 'UTF8') in o.parcel) > 0)
      and exists (
            select from unnest($1) as needle
            where m ->> 5 = needle or position('"' || needle || '"' in m ->> 2) > 0)
$$;
revoke execute on function outbox_about(text[], timestamptz[]) from public;
grant execute on function outbox_about(text[], timestamptz[]) to pinctl;

-- migrate:down

drop function outbox_about(text[], timestamptz[]);
drop trigger tally_insert on account;
drop trigger tally_update on account;
drop trigger tally_delete on account;
drop trigger tally_insert on delivery;
drop trigger tally_update on delivery;
drop trigger tally_delete on delivery;
drop trigger tally_insert on outbox;
drop trigger tally_delete on outbox;
drop function recount();
drop function fold_tally(integer);
drop function tally_accounts();
drop function tally_deliveries();
drop function tally_outbox();
drop function tally_since(timestamptz);
drop view tallied;
drop table tally_change, tally;
alter table inbox reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
alter table outbox reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, vacuum_index_cleanup);
drop index entry_at;
drop index suspect_oldest;
create index inbox_at on inbox using brin (at);
drop index inbox_oldest;
drop index outbox_made;
alter table outbox drop column made_at;
alter policy own_rows on outbox using (worker = current_user) with check (worker = current_user);
