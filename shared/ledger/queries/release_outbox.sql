-- What was not confirmed is due now; what has gone meanwhile is not there any more.
update outbox set due_at = least(due_at, now()) where id = any($1::uuid[])
