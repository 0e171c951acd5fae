-- Whose PIN, of these citizens, ended longer ago than a period. They are locked: it stays so until the commit.
select one.subject
from unnest($1::bytea[]) as one (subject)
cross join lateral (select from ended where subject = one.subject and at < now() - $2::interval limit 1) as found
