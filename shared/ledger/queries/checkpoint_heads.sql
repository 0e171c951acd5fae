-- Each citizen's last entry at or before an instant: one look into the index a citizen.
select s.key, e.seq, e.hash
from subject as s
cross join lateral (
    select seq, hash from entry
    where subject = s.key and at <= $1::timestamptz
    order by seq desc limit 1
) as e
order by s.key
