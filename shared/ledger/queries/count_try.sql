-- Count one more try of a message that was redelivered suspiciously often; returns how many there were.
insert into suspect (message_id, tries, at) values ($1::uuid, 1, $2::timestamptz)
on conflict (message_id, worker) do update set tries = least(suspect.tries + 1, 1000)
returning tries
