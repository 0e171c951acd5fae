-- Which of these jobs are not known to be at the shop.
select id from print_job where id = any($1::text[]) and state = 'closed'
