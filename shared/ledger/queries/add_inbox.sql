-- Note the messages as handled, with their replies. A row that was only claimed becomes done.
insert into inbox (message_id, digest, done, correlation_id, answer, reply, at)
select message_id, digest, true, correlation_id, answer, reply, $6::timestamptz
from unnest($1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::bytea[])
    as new (message_id, digest, correlation_id, answer, reply)
on conflict (message_id, worker) do update
set done = true, answer = excluded.answer, reply = excluded.reply, at = excluded.at
where not inbox.done and inbox.digest = excluded.digest
