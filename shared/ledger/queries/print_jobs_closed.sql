-- Which of these jobs are not known to be at the shop, and may be soon: one that was closed days ago is stuck.
select print_job.id from print_job join print_day using (day)
where print_job.id = any($1::text[]) and print_job.state = 'closed'
  and print_day.closed_at > now() - interval '3 days'
