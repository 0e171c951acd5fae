-- How many rows of the outbox, and letters that wait, are sealed to each key; an empty id is of bundles that name none.
select key_id, found from bundles_sealed($1::text[])
