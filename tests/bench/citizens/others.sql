-- All other rows, of all citizens.
-- Beside what is remembered lies what is to be forgotten: as much as upkeep and some runs take, in a ledger of any size.
-- A row is forgotten for each that is written, wherever as many were written a month ago: what that costs is not growth.
insert into inbox (worker, message_id, digest, done, answer, correlation_id, at)
select 'issuer', message_id, decode(md5('forgotten ' || n), 'hex'), true, 'accepted', message_id, at
from (select n, md5('forgotten ' || n)::uuid as message_id, now() - interval '32 days' + n * interval '0.8 seconds' as at
      from generate_series(0, 99999) as n) as forgotten;
insert into inbox (worker, message_id, digest, done, answer, correlation_id, at)
select 'issuer', message_id::uuid, decode(md5(key), 'hex'), true, 'accepted', message_id, at from citizen;

-- The expiries of one batch of requests are one row.
insert into outbox (id, worker, due_at, made_at, parcel)
select gen_random_uuid(), 'issuer', min(at) + interval '61 days', min(at),
       decode(repeat(md5(min(key)), 20 * count(*)::integer), 'hex')
from citizen group by n / 200;

-- And each citizen has one row of their own that is due later: a retry, an istanza that waits, an end that moved.
insert into outbox (id, worker, due_at, made_at, parcel)
select gen_random_uuid(), (array['issuer', 'notifier', 'revoker', 'dispositivo'])[1 + n % 4],
       at + interval '31 days', at, decode(repeat(md5(key), 20), 'hex')
from citizen;

-- What went out today and yesterday to two places each, and as much of the day before as some runs take, to be forgotten.
insert into sent_to (day, place, messages)
select (now() at time zone 'Europe/Rome')::date - 2, decode(md5('forgotten ' || n), 'hex'), 1 from generate_series(0, 49999) as n;
insert into sent_to (day, place, messages)
select day, decode(md5(kind || n), 'hex'), 1
from (select n, (at at time zone 'Europe/Rome')::date as day from citizen where at > now() - interval '3 days') as recent
cross join (values ('mobile'), ('mailbox')) as place (kind)
where day >= (now() at time zone 'Europe/Rome')::date - 1 order by n;

-- How often a few thousand operators looked in each hour of today and yesterday.
insert into lookup (hour, sender, operator, looks)
select date_trunc('hour', now()) - (n % 48) * interval '1 hour', 'operator', 'op-' || n / 48, 1 + n % 50
from generate_series(0, 99999) as n order by n % 48 desc;
-- As many are listed as ended as there may be after years.
insert into ended (subject, at) select decode(key, 'hex'), at - interval '9 years' from citizen where n % 5 = 0;

-- Who logged in this month has a row that counts it.
insert into log_in (subject, times, last) select decode(key, 'hex'), n % 5, at from citizen;
