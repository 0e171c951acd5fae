-- What is still to be published about citizens or correlation ids, made at one of these instants or due soon.
select worker, due_at, tries, type, routing_key from outbox_about($1::text[], $2::timestamptz[]) order by due_at
