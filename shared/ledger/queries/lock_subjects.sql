-- Lock the citizens of a batch, in the order of their keys, and read the heads of their chains.
select key, entries, head from subject where key = any($1::bytea[]) order by key for update
