-- Count the looks of a batch's operators within an hour; returns what each has by now. In order, so that two batches
-- with the same operators wait for each other and never both.
insert into lookup (hour, sender, operator, looks)
select $4, sender, operator, looks from unnest($1::text[], $2::text[], $3::integer[]) as new (sender, operator, looks)
order by sender, operator
on conflict (hour, sender, operator) do update set looks = lookup.looks + excluded.looks
returning sender, operator, looks
