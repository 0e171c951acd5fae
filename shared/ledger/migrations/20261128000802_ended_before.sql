-- migrate:up

-- Whose PIN ended before: since their last entry. No writer waits; who asks anew meanwhile is known by the account.
insert into ended (subject, at)
select subject, coalesce(
    (select at from entry where entry.subject = account.subject order by seq desc limit 1), now())
from account where status in ('revoked', 'expired')
on conflict do nothing;

-- migrate:down

truncate ended;
