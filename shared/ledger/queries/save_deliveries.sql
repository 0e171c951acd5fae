-- Write how deliveries stand. What a receipt said is never taken back by a late "sent", nor waited for again.
insert into delivery (id, subject, channel, status, attempts, reference, correlation_id, reported, awaits_since, at)
select *, $10::timestamptz from unnest(
    $1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[],
    $9::timestamptz[])
on conflict (id) do update set
    status = case when delivery.status in ('delivered', 'returned', 'failed') and excluded.status in ('sent', 'postponed')
                  then delivery.status else excluded.status end,
    attempts = greatest(delivery.attempts, excluded.attempts),
    reference = case when excluded.reference = '' then delivery.reference else excluded.reference end,
    reported = case when excluded.reported = '' then delivery.reported else excluded.reported end,
    awaits_since = case when delivery.status in ('delivered', 'returned', 'failed') or delivery.reported <> ''
                        then null else excluded.awaits_since end,
    at = excluded.at
