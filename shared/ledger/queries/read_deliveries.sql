-- Where the deliveries that receipts speak of stand.
select id, subject, channel, status, attempts, correlation_id from delivery where id = any($1::uuid[])
