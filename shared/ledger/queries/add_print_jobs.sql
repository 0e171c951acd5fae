-- Enter the jobs of a day.
insert into print_job (id, day, region, sequence, letters, digest)
select * from unnest($1::text[], $2::date[], $3::text[], $4::integer[], $5::integer[], $6::bytea[])
