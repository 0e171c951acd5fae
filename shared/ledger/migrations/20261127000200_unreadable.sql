-- migrate:up

-- Citizens whose account did not open when it was last read (another key, a damaged row): what concerns
-- them is parked. Whoever reads one that opens again strikes the note.
create table unreadable (
    subject bytea primary key check (octet_length(subject) = 16),
    since   timestamptz not null,
    seen    timestamptz not null
);

grant select, insert, update, delete on unreadable to issuer, revoker, dispositivo;
grant select on unreadable to pinctl;

-- migrate:down

drop table unreadable;
