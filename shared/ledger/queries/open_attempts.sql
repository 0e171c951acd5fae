-- Open attempts, before they are compared.
insert into attempt (subject, message_id, digest, at)
select subject, message_id, digest, $4::timestamptz
from unnest($1::bytea[], $2::uuid[], $3::bytea[]) as new (subject, message_id, digest)
