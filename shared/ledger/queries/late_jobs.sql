-- Jobs that were closed longer ago than this, and are not at the shop.
select print_job.id, print_job.letters, print_job.tries, extract(epoch from now() - print_day.closed_at)::float8 as age
from print_job join print_day using (day)
where print_job.state = 'closed' and print_day.closed_at < now() - $1::interval
order by print_job.day, print_job.id limit 100
