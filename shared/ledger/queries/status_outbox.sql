-- What waits to be published, by worker: due now (counted up to $1), and later.
select holder.worker, due.rows as due,
       coalesce(extract(epoch from now() - due.oldest), 0)::float8 as lag,
       greatest(holder.rows - due.rows, 0) as later, later.due_at as next_at
from (
    select name as worker, sum(many)::bigint as rows
    from tallied where counted = 'outbox'
    group by name having sum(many) <> 0
) as holder
cross join lateral (
    select count(*) as rows, min(due_at) as oldest
    from (select due_at from outbox where worker = holder.worker and due_at <= now() order by due_at limit $1) as first
) as due
left join lateral (
    select due_at from outbox where worker = holder.worker and due_at > now() order by due_at limit 1
) as later on true
order by worker
