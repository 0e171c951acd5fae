-- The attempts of citizens that are open, in the order in which they were opened.
select subject, at, message_id, digest from attempt where subject = any($1::bytea[]) order by at, message_id, digest
