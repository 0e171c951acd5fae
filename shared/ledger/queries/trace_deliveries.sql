-- How deliveries stand.
select id, subject, channel, status, attempts, correlation_id, at
from delivery where id = any($1::uuid[]) order by at, id
