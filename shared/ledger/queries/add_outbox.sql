-- Keep what has to be published until the broker has it.
insert into outbox (id, due_at, parcel, made_at)
select *, $4::timestamptz from unnest($1::uuid[], $2::timestamptz[], $3::bytea[])
