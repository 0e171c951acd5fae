-- Write how deliveries stand. A receipt that says more than "sent" is never taken back by a late "sent".
insert into delivery (id, subject, channel, status, attempts, reference, correlation_id, at)
select *, $8::timestamptz from unnest(
    $1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[])
on conflict (id) do update set
    status = case when delivery.status in ('delivered', 'returned') and excluded.status in ('sent', 'postponed')
                  then delivery.status else excluded.status end,
    attempts = greatest(delivery.attempts, excluded.attempts),
    reference = case when excluded.reference = '' then delivery.reference else excluded.reference end,
    at = excluded.at
