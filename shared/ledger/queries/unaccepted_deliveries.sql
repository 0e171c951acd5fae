-- PEC whose receipt of acceptance is waited for longer than so, while those of one recorded before and of one recorded
-- an hour later or more came: the oldest first, from an instant on, at most so many.
select id, awaits_since from delivery
where awaits_since >= $2::timestamptz and awaits_since < now() - $1::interval
  and awaits_since > (select min(made_at) from delivery where channel = 'pec' and reported <> '')
  and awaits_since < (select max(made_at) from delivery where channel = 'pec' and reported <> '') - interval '1 hour'
order by awaits_since limit $3
