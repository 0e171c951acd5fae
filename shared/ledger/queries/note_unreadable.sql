-- Note citizens whose account does not open; one that was noted in the last minute is left as it is.
insert into unreadable (subject, since, seen)
select subject, $2::timestamptz, $2::timestamptz from unnest($1::bytea[]) as new (subject) order by subject
on conflict (subject) do update set seen = excluded.seen
where unreadable.seen < excluded.seen - interval '1 minute'
