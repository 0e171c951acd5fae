-- What is still to be published about citizens or correlation ids.
select worker, due_at, tries, type, routing_key from outbox_about($1::text[]) order by due_at
