-- migrate:up

-- Entries end: a month that is over can be closed, sealed by a signed digest, put into an archive and taken out of the
-- ledger (docs/retention.md). Workers may go on while this runs: what they do is refused at no point. It takes the table
-- for itself for some milliseconds, once those who use it have ended, and gives up if that takes over five seconds
-- (a `pinctl ledger verify` reads for long): run it again then.
set local lock_timeout = '5s';
lock table entry in access exclusive mode;

do $$
declare
    first constant text := (select 'entry_' || to_char(month, 'YYYY_MM') from entry_month);
begin
    execute format('alter table entry rename to %I', first);
    execute format('alter index entry_pkey rename to %I', first || '_pkey');
    execute format('alter index entry_correlation rename to %I', first || '_correlation');
    execute format('alter index entry_at rename to %I', first || '_at');
end $$;

-- Append-only: what happened to a citizen, one chain of hashes a citizen. No personal data. One partition a month.
-- Within a month (subject, seq) is a key of the partition. Over all months it is one because an entry must have the number
-- that follows its citizen's head, and moves that: `entry_is_chained`.
create table entry (
    subject        bytea not null,
    seq            integer not null,
    at             timestamptz not null,
    kind           text not null,
    message_id     uuid,
    actor          text not null,
    correlation_id text not null,
    data           text not null,
    hash           bytea not null,
    writer         text default session_user,
    account        bytea,
    constraint entry_seq_check check (seq > 0),
    constraint entry_hash_check check (octet_length(hash) = 32),
    constraint entry_account_check check (octet_length(account) = 32),
    constraint entry_pinctl_check
        check (writer <> 'pinctl' or subject = '\x00000000000000000000000000000000')
) partition by range (at);

create or replace function entry_is_chained() returns trigger language plpgsql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    who   constant text := session_user;
    kinds constant text[] := array(select kind from entry_kind where writer = who);
    since constant timestamptz := clock_timestamp() - interval '1 hour';
    until constant timestamptz := clock_timestamp() + interval '1 hour';
    -- The only beginning of a month that an entry of now can be on the wrong side of.
    edge  constant timestamptz := date_trunc('month', until at time zone 'UTC') at time zone 'UTC';
    sound boolean;
    early boolean;
begin
    with linked as materialized (
        select subject.ctid as place, one.seq, one.hash, one.at, subject.entries as before,
               lead(one.seq) over chain is null as last,
               subject.vouched or bool_or(one.account is not null) over chain as vouched,
               one.writer = who and one.kind = any(kinds)
               and one.at between since and until
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
    -- A head that somebody else has moved meanwhile is no longer at this number: it is not moved again.
    moved as (
        update subject set entries = linked.seq, head = linked.hash, vouched = linked.vouched
        from linked
        where linked.last and subject.ctid = linked.place and subject.entries = linked.before
        returning 1
    )
    select bool_and(coalesce(linked.sound, false)) and count(*) filter (where linked.last) = (select count(*) from moved),
           min(linked.at) < edge
    into sound, early from linked;
    if not sound then
        raise exception 'entry: one that its writer may not write, or that does not continue its chain';
    end if;
    -- The months of a chain follow each other, or a month could not leave. Where two workers' clocks differ at the end of
    -- one, who is behind is told to try again, with a later instant.
    if early and exists (
        select from fresh as one
        where one.at < edge
          and exists (select from entry as other
                      where other.subject = one.subject and other.at >= edge and other.seq < one.seq))
    then
        perform pg_sleep(0.3);
        raise exception 'entry: of a month before that of the entry before it' using errcode = '40001';
    end if;
    return null;
end $$;

-- A closed month. By a trigger of the partition, and not by a look at `entry_month`: it holds whatever the writer's
-- transaction can see.
create function month_is_closed() returns trigger language plpgsql as $$
begin
    raise exception 'entry: of a month that is closed' using errcode = '40001';
end $$;
revoke execute on function month_is_closed() from public;

do $$
declare
    one record;
begin
    select 'entry_' || to_char(month, 'YYYY_MM') as name, until into one from entry_month;
    execute format('alter table entry attach partition %I for values from (minvalue) to (%L)', one.name, one.until);
    execute format('alter table %I drop constraint entry_until', one.name);
    -- What a role may do, it may do on the whole: on no partition has any role a right.
    execute format('revoke all on %I from issuer, revoker, dispositivo, notifier, pinctl', one.name);
end $$;
-- What has no month. It is empty as long as months are made in time (`pinctl status`): nothing is lost if they are not.
create table entry_default partition of entry (primary key (subject, seq)) default;
create index entry_default_correlation on entry_default (correlation_id);
create index entry_default_at on entry_default using brin (at);

create view entry_stray as select count(*) as entries from entry_default;
grant select on entry_stray to pinctl;

-- Whoever writes into a partition by its name, or changes one, meets the same triggers.
create trigger entry_is_append_only before update or delete or truncate on entry
    for each statement execute function entry_is_append_only();
create trigger entry_is_chained after insert on entry
    referencing new table as fresh for each statement execute function entry_is_chained();
create trigger entry_is_append_only before update or delete or truncate on entry_default
    for each statement execute function entry_is_append_only();
create trigger entry_is_chained after insert on entry_default
    referencing new table as fresh for each statement execute function entry_is_chained();

grant insert (subject, seq, at, kind, message_id, actor, correlation_id, data, account, hash)
    on entry to issuer, revoker, dispositivo, notifier, pinctl;
grant select on entry to pinctl;

-- Make the months that are missing up to the third from now; returns how many it made. It takes what has come in without
-- a month with it. Writers do not wait for it; it waits a second for who reads all months, and fails: the next run does it.
create function make_months() returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set lock_timeout = '1s' as $$
declare
    goal constant timestamptz := date_trunc('month', now()) + interval '4 months';
    begins timestamptz := (select max(until) from entry_month);
    ends   timestamptz;
    name   text;
    made   integer := 0;
begin
    if begins >= goal or not pg_try_advisory_xact_lock(hashtext('make_months')) then
        return made;
    end if;
    select max(until) into begins from entry_month;
    while begins < goal loop
        ends := begins + interval '1 month';
        name := 'entry_' || to_char(begins, 'YYYY_MM');
        execute format('create table %I (like entry including defaults including constraints)', name);
        execute format('alter table %I add primary key (subject, seq)', name);
        execute format('create index %I on %I (correlation_id)', name || '_correlation', name);
        execute format('create index %I on %I using brin (at) with (pages_per_range = 32, autosummarize = on)',
                       name || '_at', name);
        execute format('create trigger entry_is_append_only before update or delete or truncate on %I'
                       ' for each statement execute function entry_is_append_only()', name);
        if exists (select from entry_default where at >= begins and at < ends) then
            alter table entry_default disable trigger entry_is_append_only;
            execute format('with late as (delete from entry_default where at >= %L and at < %L returning *)'
                           ' insert into %I select * from late', begins, ends, name);
            alter table entry_default enable trigger entry_is_append_only;
        end if;
        execute format('create trigger entry_is_chained after insert on %I'
                       ' referencing new table as fresh for each statement execute function entry_is_chained()', name);
        execute format('alter table entry attach partition %I for values from (%L) to (%L)', name, begins, ends);
        insert into entry_month (month, since, until) values (begins, begins, ends);
        begins := ends;
        made := made + 1;
    end loop;
    return made;
end $$;
revoke execute on function make_months() from public;
grant execute on function make_months() to issuer, revoker, dispositivo, notifier, pinctl;
select make_months();

-- Close a month that has been over for an hour, the earliest that is open: it takes no entry any more. Waits for who is
-- writing into it. Whoever calls it, only what is over is closed.
create function close_month(which date) returns void
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '10s' as $$
declare
    one entry_month;
begin
    select * into one from entry_month where month = which for update;
    if not found then
        raise exception 'no month of the ledger: %', which;
    elsif one.closed_at is not null then
        return;
    elsif clock_timestamp() < one.until + interval '1 hour' then
        raise exception 'a month is closed when it has been over for an hour: %', which;
    elsif exists (select from entry_month where until < one.until and closed_at is null) then
        raise exception 'an earlier month is open: %', which;
    elsif to_regclass('entry_' || to_char(which, 'YYYY_MM')) is null then
        raise exception 'a month that is gone: %', which;
    end if;
    execute format('create trigger month_is_closed before insert on %I for each row execute function month_is_closed()',
                   'entry_' || to_char(which, 'YYYY_MM'));
    update entry_month set closed_at = clock_timestamp() where month = which;
end $$;
revoke execute on function close_month(date) from public;
grant execute on function close_month(date) to pinctl;

-- Where the chain of each citizen goes on whose first months have left: their last entry there, and what the verification
-- of a chain has to know of it. Its digest is in the seal of the last month that left.
--   account_seq, account: the last entry there with a digest of the account, and that
--   older, newer:         whether an entry there says who wrote it not, or does
create table sealed_head (
    subject     bytea primary key check (octet_length(subject) = 16),
    seq         integer not null check (seq > 0),
    hash        bytea not null check (octet_length(hash) = 32),
    account_seq integer check (account_seq <= seq),
    account     bytea check (octet_length(account) = 32),
    older       boolean not null,
    newer       boolean not null
);
grant select on sealed_head to pinctl;

-- The two steps by which a closed month leaves, in one transaction; between them `pinctl ledger retire-month` compares the
-- heads with the seal. The owner's alone: no role can take anything out of the ledger.
create function carry_heads(which date) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    name constant text := 'entry_' || to_char(which, 'YYYY_MM');
    carried bigint;
begin
    if which is distinct from (select month from entry_month where retired_at is null order by until limit 1)
       or not exists (select from entry_month where month = which and closed_at is not null)
    then
        raise exception 'not the first month that is there, or not closed: %', which;
    end if;
    execute format('
        insert into sealed_head (subject, seq, hash, account_seq, account, older, newer)
        select ended.subject, ended.seq, last.hash, ended.account_seq, vouching.account, ended.older, ended.newer
        from (select subject, max(seq) as seq, max(seq) filter (where account is not null) as account_seq,
                     bool_or(writer is null) as older, bool_or(writer is not null) as newer
              from %1$I group by subject) as ended
        join %1$I as last on last.subject = ended.subject and last.seq = ended.seq
        left join %1$I as vouching on vouching.subject = ended.subject and vouching.seq = ended.account_seq
        on conflict (subject) do update set
            seq = excluded.seq, hash = excluded.hash,
            account_seq = coalesce(excluded.account_seq, sealed_head.account_seq),
            account = coalesce(excluded.account, sealed_head.account),
            older = sealed_head.older or excluded.older, newer = sealed_head.newer or excluded.newer', name);
    get diagnostics carried = row_count;
    return carried;
end $$;

-- Takes all months for itself for some milliseconds, and waits half a second for that at most: writers wait with it.
create function drop_month(which date) returns void
language plpgsql set search_path = public, pg_temp set lock_timeout = '500ms' as $$
begin
    update entry_month set retired_at = clock_timestamp()
    where month = which and closed_at is not null and retired_at is null
      and not exists (select from entry_month as other where other.until < entry_month.until and other.retired_at is null);
    if not found then
        raise exception 'not the first month that is there, or not closed: %', which;
    end if;
    execute format('alter table entry detach partition %I', 'entry_' || to_char(which, 'YYYY_MM'));
    execute format('drop table %I', 'entry_' || to_char(which, 'YYYY_MM'));
end $$;
revoke execute on function carry_heads(date), drop_month(date) from public;

insert into entry_kind (writer, kind) values ('pinctl', 'month.retired');

-- migrate:down

-- Nothing goes back once a month has left. The entries of later months are written into the first, and `entry` is that.
set local lock_timeout = '5s';
lock table entry in access exclusive mode;
do $$
begin
    if exists (select from entry_month where retired_at is not null) then
        raise exception 'months have left this ledger: an earlier release cannot verify its chains';
    end if;
end $$;
delete from entry_kind where writer = 'pinctl' and kind = 'month.retired';
drop function drop_month(date);
drop function carry_heads(date);
drop function close_month(date);
drop function make_months();
drop table sealed_head;
drop trigger entry_is_append_only on entry;
drop trigger entry_is_chained on entry;
drop view entry_stray;
do $$
declare
    first constant text := (select 'entry_' || to_char(month, 'YYYY_MM') from entry_month order by until limit 1);
begin
    execute format('drop trigger if exists month_is_closed on %I', first);
    execute format('alter table %I disable trigger entry_is_chained', first);
    execute format('alter table entry detach partition %I', first);
    execute format('insert into %I (subject, seq, at, kind, message_id, actor, correlation_id, data, hash, writer, account)'
                   ' select subject, seq, at, kind, message_id, actor, correlation_id, data, hash, writer, account from entry',
                   first);
    execute format('alter table %I enable trigger entry_is_chained', first);
    drop table entry;
    execute format('alter table %I rename to entry', first);
    execute format('alter index %I rename to entry_pkey', first || '_pkey');
    execute format('alter index %I rename to entry_correlation', first || '_correlation');
    execute format('alter index %I rename to entry_at', first || '_at');
end $$;
delete from entry_month where since > '-infinity';
drop function month_is_closed();
grant insert (subject, seq, at, kind, message_id, actor, correlation_id, data, account, hash)
    on entry to issuer, revoker, dispositivo, notifier, pinctl;
grant select on entry to pinctl;
create or replace function entry_is_chained() returns trigger language plpgsql security definer
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
