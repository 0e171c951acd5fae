-- How many accounts and kept replies are sealed with each key.
select stored, mark, found from rows_sealed($1::bytea[])
