-- Take the letters that go into a day's jobs, the oldest first; none is erased meanwhile.
select delivery, region, digest from letter
where state = 'waiting' and day <= $1
order by day, kept_at, delivery limit $2
for update
