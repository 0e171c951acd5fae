-- Write the accounts that changed. Fewer rows than given: another worker wrote one in between.
insert into account (subject, version, status, level, review_since, schema, state, pepper)
select * from unnest(
    $1::bytea[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[], $6::smallint[], $7::bytea[],
    $8::text[]
) as new (subject, version, status, level, review_since, schema, state, pepper)
on conflict (subject) do update set
    version = excluded.version, status = excluded.status, level = excluded.level,
    review_since = excluded.review_since, schema = excluded.schema, state = excluded.state,
    pepper = excluded.pepper
