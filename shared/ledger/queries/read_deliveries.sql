-- Where the deliveries that receipts speak of stand.
select id, subject, channel, status, attempts, correlation_id, reported, awaits_since
from delivery where id = any($1::uuid[])
