-- Each citizen's last entry at or before an instant: their head, and for those who moved since, a look into the index,
-- or to where the chain goes on if the months before have left.
with moved as materialized (select distinct subject from entry where at > $1::timestamptz)
select s.key, coalesce(e.seq, s.entries) as seq, coalesce(e.hash, s.head) as hash
from subject as s
left join moved on moved.subject = s.key
left join lateral (
    (select seq, hash from entry
     where subject = moved.subject and at <= $1::timestamptz
     order by seq desc limit 1)
    union all
    select seq, hash from sealed_head where subject = moved.subject
    order by seq desc limit 1
) as e on true
where s.entries > 0 and (moved.subject is null or e.seq is not null)
order by s.key
