-- What could not be routed comes back later.
update outbox set due_at = now() + $2::interval, tries = least(tries + 1, 30000) where id = any($1::uuid[])
