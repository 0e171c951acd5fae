-- Count one more try of a message that was redelivered suspiciously often; returns how many there were.
insert into inbox (message_id, digest, done, tries, correlation_id, at)
values ($1::uuid, $2::bytea, false, 1, $3::text, $4::timestamptz)
on conflict (message_id) do update set tries = inbox.tries + 1
returning tries
