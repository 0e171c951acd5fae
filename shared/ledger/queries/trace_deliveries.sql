-- How deliveries stand, and under which reference their provider has them; of letters for the print shop, their state and job.
select delivery.id, delivery.subject, channel, status, attempts, correlation_id, delivery.at, reference,
       letter.state as letter, letter.job
from delivery left join letter on letter.delivery = delivery.id
where delivery.id = any($1::uuid[]) order by delivery.at, delivery.id
