-- migrate:up

-- What operators of the system do to messages (pinctl replays or drops what was parked) is an entry too, in a chain of
-- its own under a subject of 16 zero bytes: citizens' are keyed hashes, and none is that. pinctl may append these kinds
-- to this chain, and write nothing else: both functions write as their owner.
create function operator_acts() returns table (entries integer, head bytea)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    chain constant bytea := decode(repeat('00', 16), 'hex');
begin
    insert into subject as s (key, entries, head) values (chain, 0, decode(repeat('00', 32), 'hex'))
    on conflict do nothing;
    return query select s.entries, s.head from subject as s where s.key = chain for update;
end $$;

create function append_operator_act(
    seq integer, at timestamptz, kind text, message_id uuid, correlation_id text, data text, hash bytea
) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    chain constant bytea := decode(repeat('00', 16), 'hex');
begin
    if kind not in ('dead.replayed', 'dead.dropped') then
        raise exception 'no act of an operator: %', kind;
    end if;
    update subject as s set entries = seq, head = hash where s.key = chain and s.entries = seq - 1;
    if not found then
        raise exception 'the acts of operators do not go on with number %', seq;
    end if;
    insert into entry (subject, seq, at, kind, message_id, actor, correlation_id, data, hash)
    values (chain, seq, at, kind, message_id, 'pinctl', correlation_id, data, hash);
end $$;

revoke execute on function operator_acts() from public;
revoke execute on function append_operator_act(integer, timestamptz, text, uuid, text, text, bytea) from public;
grant execute on function operator_acts() to pinctl;
grant execute on function append_operator_act(integer, timestamptz, text, uuid, text, text, bytea) to pinctl;

-- migrate:down

drop function append_operator_act(integer, timestamptz, text, uuid, text, text, bytea);
drop function operator_acts();
