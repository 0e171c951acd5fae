-- PEC whose receipt of acceptance is waited for longer than so, while those of one recorded before and of one recorded
-- an hour later or more came: the oldest first, after one of them, at most so many. A batch has one instant.
select id, awaits_since from delivery
where status = 'sent' and awaits_since >= $2::timestamptz and (awaits_since, id) > ($2::timestamptz, $4::uuid)
  and awaits_since < now() - $1::interval
  and awaits_since > (select min(made_at) from delivery where channel = 'pec' and reported <> '')
  and awaits_since < (select max(made_at) from delivery where channel = 'pec' and reported <> '') - interval '1 hour'
order by awaits_since, id limit $3
