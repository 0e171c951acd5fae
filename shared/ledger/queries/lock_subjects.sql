-- Lock the citizens of a batch, in the order of their keys, and read the heads of their chains.
select key, entries, head, vouched from lock_subjects($1::bytea[])
