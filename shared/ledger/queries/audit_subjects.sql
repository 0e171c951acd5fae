-- Every head, or that of one citizen, in the order of the keys.
select key, entries, head from subject where $1::bytea is null or key = $1 order by key
