-- Close attempts that are answered.
delete from attempt using unnest($1::bytea[], $2::uuid[], $3::bytea[]) as answered (subject, message_id, digest)
where attempt.subject = answered.subject and attempt.message_id = answered.message_id
  and attempt.digest = answered.digest
