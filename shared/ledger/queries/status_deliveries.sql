-- What became of the deliveries that moved in the last 24 hours, to within five minutes.
select name as channel, status, sum(many)::bigint as deliveries
from tallied where counted = 'delivery' and since > now() - interval '24 hours'
group by name, status having sum(many) <> 0 order by channel, status
