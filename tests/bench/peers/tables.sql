-- The peers' ledger.
drop table if exists delivery;
drop table if exists pin;
create table pin(id bigserial primary key, request_id text unique, codice_fiscale text not null,
                 data jsonb, verifier bytea, created timestamptz default now());
create table delivery(id bigserial primary key, pin_id bigint references pin, channel text,
                      status text default 'queued', at timestamptz);
