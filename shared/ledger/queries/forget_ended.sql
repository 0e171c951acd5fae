-- Strike out whom nothing is kept about any more; not who had another PIN since.
delete from ended
where ctid = any(array(
    select found.ctid
    from unnest($1::bytea[]) as one (subject)
    cross join lateral (select ctid from ended where subject = one.subject limit 1) as found))
  and at < now() - $2::interval
