-- Move the heads of the chains on.
update subject set entries = new.entries, head = new.head
from unnest($1::bytea[], $2::integer[], $3::bytea[]) as new (key, entries, head)
where subject.key = new.key
