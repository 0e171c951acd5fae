-- migrate:up

-- What supervisors are told, by way of the notifier, who may not read entries: no subject, and of what an entry says
-- the three facts of a delivery alone. They are taken from the text by their form: what does not have it is not told,
-- and an entry that somebody has altered breaks nothing.
create function timeline_of(correlation text, most integer)
returns table (at timestamptz, kind text, actor text, channel text, attempt integer, evidence text)
language sql stable security definer set search_path = public, pg_temp as $$
    select e.at, e.kind, e.actor,
           substring(e.data from '"channel": ?"([a-z]{1,16})"'),
           substring(e.data from '"attempt": ?([0-9]{1,4})[,}]')::integer,
           substring(e.data from '"evidence": ?"([A-Za-z0-9_.:/-]{1,100})"')
    from entry as e
    where e.correlation_id = correlation
    order by e.at, e.subject, e.seq
    limit most
$$;
revoke execute on function timeline_of(text, integer) from public;
grant execute on function timeline_of(text, integer) to notifier;

-- migrate:down

-- Waits for whoever calls it, five seconds at most; run it again if they do not let it.
set local lock_timeout = '5s';

drop function timeline_of(text, integer);
