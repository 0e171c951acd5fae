-- The oldest job that is to be handed over now.
select id, day, region, sequence, digest, letters, tries from print_job
where state = 'closed' and due_at <= now()
order by day, id limit 1
