-- Keep letters until the print shop has printed them; one that is kept already stays as it is.
insert into letter (delivery, subject, region, day, digest, key_id, bundle_key, seal)
select * from unnest(
    $1::uuid[], $2::bytea[], $3::text[], $4::date[], $5::bytea[], $6::text[], $7::bytea[], $8::bytea[])
on conflict (delivery) do nothing
