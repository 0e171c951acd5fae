-- migrate:up

-- The protocol numbers of istanze. A sequence, not a counter in a row: nobody waits for another's commit,
-- and what is sent after an answer was given has the greater number all the same. What is given up leaves a gap.
create sequence protocol_number;

-- Where the sequence stood when a year's first number was drawn, so that every year begins with 1.
create table protocol_year (
    year  integer primary key,
    start bigint not null
);

create function draw_protocols(many integer) returns setof bigint language plpgsql as $$
declare
    this_year integer := extract(year from now() at time zone 'Europe/Rome');
    since     bigint;
begin
    select start into since from protocol_year where year = this_year;
    if not found then
        -- Whoever draws the year's first number keeps the others waiting until it is known where it begins.
        insert into protocol_year (year, start)
        select this_year, case when is_called then last_value else last_value - 1 end from protocol_number
        on conflict do nothing;
        select start into strict since from protocol_year where year = this_year;
    end if;
    return query
        select this_year * 10000000000 + nextval('protocol_number') - since from generate_series(1, many);
end $$;

grant usage, select on sequence protocol_number to dispositivo;
grant select, insert on protocol_year to dispositivo;

-- migrate:down

drop function draw_protocols(integer);
drop table protocol_year;
drop sequence protocol_number;
