-- What waits to be published, by worker: due now, and later.
select worker,
       count(*) filter (where due_at <= now()) as due,
       coalesce(extract(epoch from now() - min(due_at) filter (where due_at <= now())), 0)::float8 as lag,
       count(*) filter (where due_at > now()) as later,
       min(due_at) filter (where due_at > now()) as next_at
from outbox group by worker order by worker
