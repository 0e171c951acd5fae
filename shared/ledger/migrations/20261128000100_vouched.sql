-- migrate:up

-- What the ledger vouches for: who wrote an entry and what the account was then are in the entry's hash; each role
-- writes its own kinds of entries, moves no head, and sees no other worker's inbox.
-- Workers of the release before cannot write on this schema. They are refused in the middle of their work, and an SMS
-- whose record is refused goes out again: so it is not begun while one of them is connected.
do $$ begin
    if exists (
        select from pg_stat_activity
        where datname = current_database() and usename in ('issuer', 'notifier', 'revoker', 'dispositivo'))
    then
        raise exception 'a worker is connected: stop all workers before this migration (docs/operations.md, Upgrade)';
    end if;
end $$;
lock table inbox in access exclusive mode;

-- Which entries each role may write. tests/unit/test_entry_kinds.py holds it to what the services write.
create table entry_kind (
    writer text not null,
    kind   text not null,
    primary key (writer, kind)
);
insert into entry_kind (writer, kind) values
    ('issuer', 'account.changed'), ('issuer', 'contacts.updated'), ('issuer', 'death.recorded'),
    ('issuer', 'death.taken_back'), ('issuer', 'half.channel_failed'), ('issuer', 'istanza.released'),
    ('issuer', 'pin.activated'), ('issuer', 'pin.attempt_counted'), ('issuer', 'pin.attempt_failed'),
    ('issuer', 'pin.blocked'), ('issuer', 'pin.expired'), ('issuer', 'pin.issued'), ('issuer', 'pin.locked'),
    ('issuer', 'pin.request_rejected'), ('issuer', 'pin.revoked'), ('issuer', 'pin.verified'),
    ('issuer', 'pin.verified_initial'), ('issuer', 'registry.updated'), ('issuer', 'restore.ended'),
    ('revoker', 'account.changed'), ('revoker', 'pin.revoked'), ('revoker', 'restore.confirmed'),
    ('revoker', 'restore.not_confirmed'), ('revoker', 'restore.refused'), ('revoker', 'restore.requested'),
    ('revoker', 'revoke.not_confirmed'), ('revoker', 'revoke.refused'), ('revoker', 'revoke.requested'),
    ('dispositivo', 'account.changed'), ('dispositivo', 'dispositivo.activated'),
    ('dispositivo', 'dispositivo.approved'), ('dispositivo', 'dispositivo.cancelled'),
    ('dispositivo', 'dispositivo.closed'), ('dispositivo', 'dispositivo.documents_received'),
    ('dispositivo', 'dispositivo.requested'), ('dispositivo', 'dispositivo.submission_changed'),
    ('dispositivo', 'istanza.protocolled'), ('dispositivo', 'istanza.released'),
    ('dispositivo', 'personal_data.seen'),
    ('notifier', 'delivery.delivered'), ('notifier', 'delivery.failed'), ('notifier', 'delivery.parked'),
    ('notifier', 'delivery.postponed'), ('notifier', 'delivery.returned'), ('notifier', 'delivery.sent'),
    ('pinctl', 'dead.dropped'), ('pinctl', 'dead.replayed');

-- `writer` is what the login says, and no role may name it. `account` is the digest of the citizen's account as it was
-- then, on entries that go with a change of it. Entries from before have neither, and their hash covers neither.
alter table entry add column if not exists writer text;
alter table entry alter column writer set default session_user;
alter table entry add column if not exists account bytea;
alter table entry add constraint entry_account_check check (octet_length(account) = 32) not valid;
-- What an operator does to messages that nobody could read is no citizen's: it has a chain of its own.
alter table entry add constraint entry_pinctl_check
    check (writer <> 'pinctl' or subject = '\x00000000000000000000000000000000') not valid;

-- Whether an entry of the chain has the digest of the account: from then on each change of it needs one.
alter table subject add column vouched boolean not null default false;

-- The digest of each account as it is stored: all that its seal covers, and the sealed state (account_codec.py).
create view account_digest as
select subject, version, status, schema,
       sha256(subject || int4send(version) || int2send(schema)
              || convert_to(status || E'\x1f' || coalesce(level, '') || E'\x1f'
                            || coalesce(((extract(epoch from review_since) * 1000000)::bigint)::text, '') || E'\x1f',
                            'UTF8')
              || state) as digest
from account;

-- The hash of an entry, as `link` in shared/ledger/chain.py has it.
create function entry_hash(
    head bytea, subject bytea, seq integer, at timestamptz, kind text, message_id uuid, actor text,
    correlation_id text, data text, writer text, account bytea
) returns bytea language sql stable parallel safe
return sha256(head || convert_to(concat_ws(E'\x1f',
    '2', encode(subject, 'hex'), seq, ((extract(epoch from at) * 1000000)::bigint), kind,
    coalesce(message_id::text, ''), actor, correlation_id, data, writer, coalesce(encode(account, 'hex'), '')),
    'UTF8'));

-- Whoever appends moves the head by it, and no head moves otherwise. Refused is what its writer may not write, what does
-- not follow the entry before it, and a digest that is not the account's.
-- (A session keeps the plan that it made when a table was small: so none is made that reads one from end to end.)
create function entry_is_chained() returns trigger language plpgsql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    kinds text[] := array(select kind from entry_kind where writer = session_user::text collate "default");
    sound boolean;
begin
    with linked as materialized (
        select subject.ctid as place, one.seq, one.hash, lead(one.seq) over chain is null as last,
               subject.vouched or bool_or(one.account is not null) over (partition by one.subject) as vouched,
               one.writer = session_user::text collate "default" and one.kind = any(kinds)
               and one.seq = coalesce(lag(one.seq) over chain, subject.entries) + 1
               and one.hash = entry_hash(
                   coalesce(lag(one.hash) over chain, subject.head), one.subject, one.seq, one.at, one.kind,
                   one.message_id, one.actor, one.correlation_id, one.data, one.writer, one.account)
               and (one.account is null or one.account = (
                   select digest from account_digest where account_digest.subject = one.subject)) as sound
        from fresh as one
        left join subject on subject.key = one.subject
        window chain as (partition by one.subject order by one.seq)
    ),
    moved as (
        update subject set entries = linked.seq, head = linked.hash, vouched = linked.vouched
        from linked where linked.last and subject.ctid = linked.place
    )
    select bool_and(coalesce(linked.sound, false)) into sound from linked;
    if not sound then
        raise exception 'entry: one that its writer may not write, or that does not continue its chain';
    end if;
    return null;
end $$;
create trigger entry_is_chained after insert on entry
    referencing new table as fresh for each statement execute function entry_is_chained();
-- The trigger joins each new entry with its citizen.
alter table entry drop constraint entry_subject_fkey;

-- Lock citizens, in the order of their keys. (A lock by the statement itself would need the right to change them.)
create function lock_subjects(keys bytea[]) returns table (key bytea, entries integer, head bytea, vouched boolean)
language plpgsql security definer set search_path = public, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
begin
    return query select key, entries, head, vouched from subject where key = any(keys) order by key for update;
end $$;

-- Enter citizens, of whom nothing is recorded yet; returns how many nobody had entered before.
create function add_subjects(keys bytea[]) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    entered bigint;
begin
    insert into subject (key, entries, head)
    select one.key, 0, decode(repeat('00', 32), 'hex') from unnest(keys) as one (key) order by one.key
    on conflict do nothing;
    get diagnostics entered = row_count;
    return entered;
end $$;

revoke all on subject, entry from issuer, revoker, dispositivo, notifier;
grant insert (subject, seq, at, kind, message_id, actor, correlation_id, data, account, hash)
    on entry to issuer, revoker, dispositivo, notifier, pinctl;
grant select on entry_kind, account_digest to pinctl;
revoke execute on function entry_hash(
    bytea, bytea, integer, timestamptz, text, uuid, text, text, text, text, bytea) from public;
revoke execute on function lock_subjects(bytea[]), add_subjects(bytea[]) from public;
grant execute on function lock_subjects(bytea[]), add_subjects(bytea[]) to issuer, revoker, dispositivo, notifier, pinctl;

-- An account's key and where it comes from are not for its writers to change.
revoke insert, update on account from issuer, revoker, dispositivo;
grant insert (subject, version, status, level, review_since, schema, state),
      update (version, status, level, review_since, schema, state)
    on account to issuer, revoker, dispositivo;

-- Inbox rows belong to their worker, and so does the id: what another worker enters under it neither shows nor hinders.
-- `answer` says what the reply was, so that a reply that is missing is never taken for an acceptance. Rows from before
-- have none (a missing reply was an acceptance); nobody knows whose they are, so every worker sees them, and the
-- issuer forgets them.
alter table inbox add column worker text not null default 'issuer';
alter table inbox alter column worker set default session_user;
alter table inbox add column answer text
    constraint inbox_answer_check check (answer in ('pending', 'none', 'accepted', 'kept'));
alter table inbox drop constraint inbox_pkey;
alter table inbox add primary key (message_id, worker);
drop index inbox_oldest;
create index inbox_oldest on inbox (worker, at);
alter table inbox enable row level security;
create policy own_rows on inbox
    using (worker = session_user::text collate "default")
    with check (worker = session_user::text collate "default" and answer is not null);
create policy rows_from_before on inbox for select to issuer, revoker, dispositivo, notifier using (answer is null);
create policy operators_read on inbox for select to pinctl using (true);
revoke all on inbox from issuer, revoker, dispositivo, notifier;
grant select, delete,
      insert (message_id, digest, done, correlation_id, reply, at, answer),
      update (done, reply, at, answer)
    on inbox to issuer, revoker, dispositivo, notifier;
grant select (worker) on inbox to pinctl;

-- Likewise how often a message came back: who counts for another would have it parked.
truncate suspect;
alter table suspect add column worker text not null default session_user;
alter table suspect drop constraint suspect_pkey;
alter table suspect add primary key (message_id, worker);
drop index suspect_oldest;
create index suspect_oldest on suspect (worker, at);
alter table suspect enable row level security;
create policy own_rows on suspect
    using (worker = session_user::text collate "default") with check (worker = session_user::text collate "default");
revoke all on suspect from issuer, revoker, dispositivo, notifier;
grant select, delete, insert (message_id, tries, at), update (tries)
    on suspect to issuer, revoker, dispositivo, notifier;

-- Outbox rows are written by their worker's login, and nobody moves one to another worker.
revoke all on outbox from issuer, revoker, dispositivo, notifier;
grant select, delete, insert (id, due_at, parcel, made_at), update (due_at, tries)
    on outbox to issuer, revoker, dispositivo, notifier;

-- What went out today counts against a flood: only who counts sees it. Days that are over may be forgotten by any.
alter table sent_to enable row level security;
create policy counted on sent_to to issuer using (true);
create policy days_that_are_over on sent_to to revoker, dispositivo, notifier
    using (day < (now() at time zone 'Europe/Rome')::date);

-- The notes of accounts that do not open, and the deliveries, keep what they are about.
revoke update on unreadable from issuer, revoker, dispositivo;
grant update (seen) on unreadable to issuer, revoker, dispositivo;
revoke update on delivery from notifier;
grant update (status, attempts, reference, at) on delivery to notifier;

-- Numbers are drawn in one way only.
alter function draw_protocols(integer) security definer set search_path = public, pg_temp;
revoke execute on function draw_protocols(integer) from public;
grant execute on function draw_protocols(integer) to dispositivo;
revoke all on protocol_number, protocol_year from dispositivo;

-- Nobody may do what nobody needs.
revoke create on schema public from public;
revoke execute on function
    account_before(), entry_is_append_only(), entry_is_chained(), tally_accounts(), tally_deliveries(), tally_outbox(),
    tally_since(timestamptz)
from public;

-- migrate:down

grant execute on function
    account_before(), entry_is_append_only(), tally_accounts(), tally_deliveries(), tally_outbox(), tally_since(timestamptz)
to public;
grant usage, select on sequence protocol_number to dispositivo;
grant select, insert on protocol_year to dispositivo;
grant execute on function draw_protocols(integer) to public;
alter function draw_protocols(integer) security invoker;
alter function draw_protocols(integer) reset search_path;
grant update on delivery to notifier;
grant update on unreadable to issuer, revoker, dispositivo;
drop policy counted on sent_to;
drop policy days_that_are_over on sent_to;
alter table sent_to disable row level security;
grant select, insert, update, delete on outbox to issuer, revoker, dispositivo, notifier;
drop policy own_rows on suspect;
alter table suspect disable row level security;
drop index suspect_oldest;
truncate suspect;
alter table suspect drop constraint suspect_pkey;
alter table suspect drop column worker;
alter table suspect add primary key (message_id);
create index suspect_oldest on suspect (at);
grant select, insert, update, delete on suspect to issuer, revoker, dispositivo, notifier;
drop policy own_rows on inbox;
drop policy rows_from_before on inbox;
drop policy operators_read on inbox;
alter table inbox disable row level security;
drop index inbox_oldest;
delete from inbox as one using inbox as other
where one.message_id = other.message_id and (other.done, other.worker) > (one.done, one.worker);
alter table inbox drop constraint inbox_pkey;
alter table inbox drop column worker;
alter table inbox drop column answer;
alter table inbox add primary key (message_id);
create index inbox_oldest on inbox (at);
grant select, insert, update, delete on inbox to issuer, revoker, dispositivo, notifier;
grant insert, update on account to issuer, revoker, dispositivo;
drop trigger entry_is_chained on entry;
drop function entry_is_chained();
drop function lock_subjects(bytea[]);
drop function add_subjects(bytea[]);
drop function entry_hash(bytea, bytea, integer, timestamptz, text, uuid, text, text, text, text, bytea);
drop view account_digest;
alter table subject drop column vouched;
-- The columns of `entry` stay: the hashes of the entries written meanwhile cover them.
alter table entry alter column writer drop default;
alter table entry drop constraint entry_account_check;
alter table entry drop constraint entry_pinctl_check;
alter table entry add constraint entry_subject_fkey foreign key (subject) references subject (key) not valid;
drop table entry_kind;
revoke all on entry from issuer, revoker, dispositivo, notifier, pinctl;
grant select on entry to pinctl;
grant insert on entry to issuer, revoker, dispositivo, notifier;
grant select, insert, update on subject to issuer, revoker, dispositivo, notifier;
