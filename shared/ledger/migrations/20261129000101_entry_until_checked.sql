-- migrate:up

-- Reads the entries once, from end to end: a minute or so for a hundred million. Nobody waits: it stands in the way of
-- other changes of the table alone. It is what lets the next migration do without reading them.
alter table entry
    validate constraint entry_until,
    validate constraint entry_account_check,
    validate constraint entry_pinctl_check;

-- migrate:down

-- Nothing: what was checked holds.
select;
