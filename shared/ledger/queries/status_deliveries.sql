-- What became of the deliveries that moved in the last 24 hours.
select channel, status, count(*) as deliveries
from delivery where at > now() - interval '24 hours'
group by channel, status order by channel, status
