-- Strike out whom nothing is kept about any more; not who had another PIN since.
delete from ended where subject = any($1::bytea[]) and at < now() - $2::interval
