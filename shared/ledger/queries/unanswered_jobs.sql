-- Jobs that the shop was handed longer ago than this, with how many of their letters it has said nothing of.
select print_job.id, count(*) as letters, extract(epoch from now() - print_job.handed_at)::float8 as age
from letter join print_job on print_job.id = letter.job
where letter.state = 'handed' and print_job.handed_at < now() - $1::interval
group by print_job.id
order by print_job.handed_at limit 100
