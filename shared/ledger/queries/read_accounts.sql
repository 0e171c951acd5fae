-- Read the accounts of citizens that are locked. (A statement of its own: its snapshot is after the lock.)
select subject, version, status, level, review_since, schema, state
from account where subject = any($1::bytea[])
