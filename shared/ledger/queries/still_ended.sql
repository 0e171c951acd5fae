-- Whose PIN, of these citizens, ended longer ago than a period. They are locked: it stays so until the commit.
select subject from ended where subject = any($1::bytea[]) and at < now() - $2::interval
