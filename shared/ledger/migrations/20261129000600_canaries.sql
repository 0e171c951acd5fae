-- migrate:up

-- Waits for whoever writes, five seconds at most; run it again if they do not let it.
set local lock_timeout = '5s';

-- Messages to ourselves, by the way of the citizens'. One row a channel and slot: so there is one canary a slot,
-- however many processes would make it. `told` is its last outcome in the log, `late` of what it was told to be overdue.
create table canary (
    channel  text not null,
    slot     timestamptz not null,
    delivery uuid not null unique,
    made_at  timestamptz not null default now(),
    told     text not null default '' check (told in ('', 'sent', 'delivered', 'failed')),
    late     text not null default '' check (late in ('', 'sent', 'delivered')),
    ended    boolean not null default false,
    primary key (channel, slot)
);
create index canary_open on canary (made_at) where not ended;
create index canary_made on canary (made_at);

-- What `pinctl status` counts are messages to citizens: no canary, whose subject is 15 zero bytes and a one.
create or replace function tally_deliveries() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    canary constant bytea := '\x00000000000000000000000000000001';
begin
    if tg_op = 'INSERT' then
        insert into tally_change (counted, since, name, status, many)
        select 'delivery', tally_since(at), channel, status, count(*) from fresh
        where subject <> canary group by 2, 3, 4;
    elsif tg_op = 'DELETE' then
        insert into tally_change (counted, since, name, status, many)
        select 'delivery', tally_since(at), channel, status, -count(*) from gone
        where subject <> canary group by 2, 3, 4;
    else
        insert into tally_change (counted, since, name, status, many)
        select 'delivery', since, channel, status, sum(one)
        from (
            select tally_since(at) as since, channel, status, 1 as one from fresh where subject <> canary
            union all
            select tally_since(at), channel, status, -1 from gone where subject <> canary
        ) as changed
        group by since, channel, status having sum(one) <> 0;
    end if;
    return null;
end $$;

grant select, delete on canary to notifier;
grant insert (channel, slot, delivery), update (told, late, ended) on canary to notifier;
grant select on canary to pinctl;

-- migrate:down

set local lock_timeout = '5s';
delete from delivery where subject = '\x00000000000000000000000000000001'; -- which are not counted
create or replace function tally_deliveries() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
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
drop table canary;
