-- migrate:up

-- How often an operator looked at citizens' personal data within an hour (of the clock, UTC): the broker user, and the
-- operator whom it declared. No citizen is named: whom they looked at is in the entries. One row an operator and hour,
-- so that the looks of one operator wait for each other, and of two workers exactly one sees the limit passed.
-- Housekeeping forgets old hours.
create table lookup (
    hour     timestamptz not null,
    sender   text not null,
    operator text not null,
    looks    integer not null check (looks > 0),
    primary key (hour, sender, operator)
);

grant select, insert, update (looks) on lookup to dispositivo;
grant select, delete on lookup to issuer, revoker, dispositivo, notifier;  -- every worker keeps house
-- Who counts sees the counts; any may forget those of days that are over, and no others.
alter table lookup enable row level security;
create policy counted on lookup to dispositivo using (true);
create policy days_that_are_over on lookup to issuer, revoker, notifier using (hour < now() - interval '1 day');

insert into entry_kind (writer, kind) values ('dispositivo', 'istanza.suspended_told');

-- migrate:down

delete from entry_kind where kind = 'istanza.suspended_told';
drop table lookup;
