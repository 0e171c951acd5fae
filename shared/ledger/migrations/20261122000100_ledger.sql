-- migrate:up

-- The lawful changes of a PIN's status. The rows of `account` refer to it, so that Postgres itself
-- refuses a change that is not here. (status, status) is "nothing changed".
create table lawful_transition (
    before text not null,
    after  text not null,
    primary key (before, after)
);
insert into lawful_transition (before, after) values
    ('none', 'none'), ('issued', 'issued'), ('active', 'active'),
    ('restoring', 'restoring'), ('revoked', 'revoked'), ('expired', 'expired'),
    ('none', 'issued'),
    ('issued', 'active'), ('issued', 'expired'), ('issued', 'revoked'),
    ('active', 'restoring'), ('active', 'revoked'),
    ('restoring', 'active'), ('restoring', 'expired'), ('restoring', 'revoked'),
    ('expired', 'issued'),
    ('revoked', 'issued');

-- One small row a citizen: the lock that orders all work on them, and the head of their chain of entries.
create table subject (
    key     bytea primary key check (octet_length(key) = 16),
    entries integer not null check (entries >= 0),
    head    bytea not null check (octet_length(head) = 32)
) with (fillfactor = 70);

-- One row a citizen. The personal data and the verifiers are in `state`, sealed, bound to key and version.
create table account (
    subject      bytea primary key references subject (key),
    version      integer not null check (version > 0),
    before       text not null default 'none',
    status       text not null,
    level        text check (level in ('online', 'dispositivo')),
    review_since timestamptz,
    schema       smallint not null,
    state        bytea not null,
    foreign key (before, status) references lawful_transition (before, after)
) with (fillfactor = 70);
alter table account alter column state set storage external;
create index account_review on account (review_since, subject) where review_since is not null;

-- The status that a row comes from is what the row had, whatever the writer says.
create function account_before() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        new.before := 'none';
    else
        new.before := old.status;
        if new.version <> old.version + 1 then
            raise exception 'account: version % after %', new.version, old.version using errcode = '40001';
        end if;
    end if;
    return new;
end $$;
create trigger account_before before insert or update on account
    for each row execute function account_before();

-- Append-only: what happened to a citizen, one chain of hashes a citizen. No personal data.
create table entry (
    subject        bytea not null references subject (key),
    seq            integer not null check (seq > 0),
    at             timestamptz not null,
    kind           text not null,
    message_id     uuid,
    actor          text not null,
    correlation_id text not null,
    data           text not null,
    hash           bytea not null check (octet_length(hash) = 32),
    primary key (subject, seq)
);
create index entry_correlation on entry (correlation_id);

create function entry_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the entries of the ledger are append-only';
end $$;
create trigger entry_is_append_only before update or delete or truncate on entry
    for each statement execute function entry_is_append_only();

-- One row a message to a citizen on one channel, kept by the notifier.
create table delivery (
    id             uuid primary key,
    subject        bytea not null,
    channel        text not null check (channel in ('sms', 'email', 'pec', 'post')),
    status         text not null check (status in ('postponed', 'sent', 'delivered', 'failed', 'returned')),
    attempts       smallint not null,
    reference      text not null,
    correlation_id text not null,
    at             timestamptz not null
) with (fillfactor = 85);

-- What was handled, with the reply that was given (sealed): a message has one effect.
create table inbox (
    message_id     uuid primary key,
    digest         bytea not null,
    done           boolean not null,
    correlation_id text not null,
    reply          bytea,
    at             timestamptz not null
);
create index inbox_at on inbox using brin (at);

-- Messages that came back suspiciously often, and how often they were tried alone since.
create table suspect (
    message_id uuid primary key,
    tries      smallint not null,
    at         timestamptz not null
);

-- What has still to be published: at once (the relay takes what a crash left) or at `due_at`.
create table outbox (
    id     uuid primary key,
    worker text not null default current_user,
    due_at timestamptz not null,
    tries  smallint not null default 0,
    parcel bytea not null
);
alter table outbox alter column parcel set storage external;
create index outbox_due on outbox (worker, due_at);
alter table outbox enable row level security;
create policy own_rows on outbox using (worker = current_user) with check (worker = current_user);
create policy operators_read on outbox for select to pinctl using (true);

-- A role a worker, with the grants it needs and no more.
grant select, insert, update on subject to issuer, revoker, dispositivo, notifier;
grant select, insert, update on account to issuer, revoker, dispositivo;
grant insert on entry to issuer, revoker, dispositivo, notifier;
grant select, insert, update on delivery to notifier;
grant select, insert, update, delete on inbox to issuer, revoker, dispositivo, notifier;
grant select, insert, update, delete on suspect to issuer, revoker, dispositivo, notifier;
grant select, insert, update, delete on outbox to issuer, revoker, dispositivo, notifier;
grant select on lawful_transition to issuer, revoker, dispositivo, pinctl;

grant select on subject, entry, delivery to pinctl;
grant select (subject, version, before, status, level, review_since, schema) on account to pinctl;
grant select (message_id, done, correlation_id, at) on inbox to pinctl;
grant select (id, worker, due_at, tries) on outbox to pinctl;

-- migrate:down

drop table outbox, inbox, suspect, delivery, entry, account, subject, lawful_transition;
drop function account_before();
drop function entry_is_append_only();
