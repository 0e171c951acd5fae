-- Strike the notes of citizens whose account opens again.
delete from unreadable where subject = any($1::bytea[])
