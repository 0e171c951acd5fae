-- migrate:up

-- Which pepper a citizen's verifiers are made with, so that it is known how long an earlier one is needed. Null: there
-- is no PIN, or one from before peppers had ids, which needs the oldest.
-- Neither the seal of an account nor its digest covers this column, and none need: no worker reads it, as what counts is
-- the id within the seal. Who changes it makes `pinctl keys status` count wrong, and so retire a pepper too early at most;
-- the file of before, of which a copy is kept with the backups, mends that.
alter table account add column pepper text;
grant insert (pepper), update (pepper) on account to issuer, revoker, dispositivo;
grant select (pepper) on account to pinctl;

-- How many rows are sealed with each of these keys, by the first bytes of what is sealed: form and key id. Null: with
-- another key, or by a release whose seals name none. Reads both tables from end to end; pinctl may read neither seal.
create function rows_sealed(marks bytea[]) returns table (stored text, mark bytea, found bigint)
language sql stable security definer set search_path = public, pg_temp as $$
    select 'account', m.mark, count(*)
    from account left join unnest(marks) as m (mark) on m.mark = substring(state from 1 for 5)
    where octet_length(state) > 28
    group by m.mark
    union all
    select 'inbox', m.mark, count(*)
    from inbox left join unnest(marks) as m (mark) on m.mark = substring(reply from 1 for 5)
    where octet_length(reply) > 28
    group by m.mark
$$;
revoke execute on function rows_sealed(bytea[]) from public;
grant execute on function rows_sealed(bytea[]) to pinctl;

-- How many rows of the outbox hold a bundle that is sealed to each of these keys; reads it from end to end. A body is
-- JSON within JSON.
create function bundles_sealed(ids text[]) returns table (key_id text, found bigint)
language sql stable security definer set search_path = public, pg_temp as $$
    select named.id, count(*)
    from unnest(ids) as named (id)
    join outbox on position(convert_to('\"key_id\":\"' || named.id || '\"', 'UTF8') in parcel) > 0
    group by named.id
$$;
revoke execute on function bundles_sealed(text[]) from public;
grant execute on function bundles_sealed(text[]) to pinctl;

-- migrate:down

drop function bundles_sealed(text[]);
drop function rows_sealed(bytea[]);
alter table account drop column pepper;
