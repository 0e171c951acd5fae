-- How many entries of these citizens are in the archive alone.
select subject, seq from sealed_head where subject = any($1::bytea[]) order by subject
