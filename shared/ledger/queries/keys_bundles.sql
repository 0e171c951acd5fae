-- How many rows of the outbox hold bundles sealed to each key.
select key_id, found from bundles_sealed($1::text[])
