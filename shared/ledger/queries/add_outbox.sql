-- Keep what has to be published until the broker has it.
insert into outbox (id, due_at, parcel)
select * from unnest($1::uuid[], $2::timestamptz[], $3::bytea[])
