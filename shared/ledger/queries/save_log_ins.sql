-- Count log-ins of citizens that are locked.
insert into log_in (subject, times, last)
select * from unnest($1::bytea[], $2::integer[], $3::timestamptz[])
on conflict (subject) do update set times = excluded.times, last = excluded.last
