-- Leave jobs for a while: this one, or all if the shop cannot be reached.
update print_job set tries = tries + 1, due_at = now() + $2::interval
where state = 'closed' and ($1::text is null or id = $1) and due_at <= now()
