-- Enter citizens seen for the first time. Fewer rows than asked for: another worker was quicker.
insert into subject (key, entries, head)
select * from unnest($1::bytea[], $2::integer[], $3::bytea[]) as new (key, entries, head) order by key
on conflict do nothing
