-- Append to the chains; the heads follow by a trigger, which refuses what does not continue its chain.
insert into entry (subject, seq, at, kind, message_id, actor, correlation_id, data, account, hash)
select * from unnest(
    $1::bytea[], $2::integer[], $3::timestamptz[], $4::text[], $5::uuid[], $6::text[], $7::text[],
    $8::text[], $9::bytea[], $10::bytea[])
