-- Claim messages before their effect; returns those that nobody had claimed or handled yet.
insert into inbox (message_id, digest, done, correlation_id, answer, at)
select message_id, digest, false, correlation_id, 'pending', $4::timestamptz
from unnest($1::uuid[], $2::bytea[], $3::text[]) as new (message_id, digest, correlation_id)
on conflict do nothing
returning message_id
