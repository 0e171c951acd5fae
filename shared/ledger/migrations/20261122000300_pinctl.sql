-- migrate:up

-- What waits in the outbox about a citizen or a correlation id: when it is due and what it is, never its
-- body. pinctl may not read parcels; this looks into them for it, and passes over the rows' policy as their
-- owner. A parcel is a JSON array of messages: [exchange, key, body, type, message id, correlation id, …].
create function outbox_about(needles text[])
returns table (worker text, due_at timestamptz, tries smallint, type text, routing_key text)
language sql stable security definer set search_path = public, pg_temp as $$
    select o.worker, o.due_at, o.tries, m ->> 3, m ->> 1
    from outbox as o
    cross join lateral json_array_elements(convert_from(o.parcel, 'UTF8')::json) as m
    where exists (
            select from unnest(needles) as needle where position(convert_to(needle, 'UTF8') in o.parcel) > 0)
      and exists (
            select from unnest(needles) as needle
            where m ->> 5 = needle or position('"' || needle || '"' in m ->> 2) > 0)
$$;
revoke execute on function outbox_about(text[]) from public;
grant execute on function outbox_about(text[]) to pinctl;

-- migrate:down

drop function outbox_about(text[]);
