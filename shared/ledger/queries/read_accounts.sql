-- Read the accounts of citizens that are locked. (A statement of its own: its snapshot is after the lock.)
-- `noted`: the account did not open when it was last read.
select subject, version, status, level, review_since, schema, state,
       exists (select from unreadable where unreadable.subject = account.subject) as noted
from account where subject = any($1::bytea[])
