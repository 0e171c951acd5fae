-- Accounts and deliveries of some of them, {first} to {last}.
insert into subject (key, entries, head)
select decode(key, 'hex'), 5, decode(md5(key) || md5(key), 'hex') from citizen where n >= {first} and n < {last};

insert into account (subject, version, before, status, level, schema, state)
select decode(key, 'hex'), 2, 'issued', 'active', 'online', 2, decode(repeat(md5(key), 57), 'hex')
from citizen where n >= {first} and n < {last};

insert into delivery (id, subject, channel, status, attempts, reference, correlation_id, at, made_at)
select (time || '7' || left(md5(key || channel), 3) || '8' || right(md5(key || channel), 15))::uuid, decode(key, 'hex'), channel, 'sent', 1,
       'reference-0123456789', message_id, at, at - interval '11 months'
from (select * from citizen where n >= {first} and n < {last}) as citizen
cross join lateral (values (n, 'sms'), (n, 'email'), (n, 'post')) as sent (of, channel);
