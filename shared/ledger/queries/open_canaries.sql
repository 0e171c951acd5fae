-- The canaries that have not ended, the newest first, each with how its delivery stands. Who looks locks them.
select canary.channel, canary.slot, canary.delivery, canary.told, canary.late, delivery.status, delivery.reported,
       now() - canary.made_at as age, delivery.at - canary.made_at as took
from canary left join delivery on delivery.id = canary.delivery
where not canary.ended and canary.channel = any($1::text[])
order by canary.made_at desc limit $2
for update of canary skip locked
