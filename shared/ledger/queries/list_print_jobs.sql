-- The latest jobs, those that are not at the shop first, with how their letters stand.
select print_job.id, print_job.day, print_job.region, print_job.state, print_job.letters, print_job.tries,
       extract(epoch from now() - coalesce(print_job.handed_at, print_day.closed_at))::float8 as age,
       (select jsonb_object_agg(state, many) from (
            select state, count(*) as many from letter where letter.job = print_job.id group by state
        ) as counted)::text as stand
from print_job join print_day using (day)
order by print_job.state, print_job.day desc, print_job.region, print_job.sequence limit $1
