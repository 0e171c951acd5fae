-- How many citizens cannot be opened, and since when.
select count(*) as citizens, min(since) as since, max(seen) as seen from unreadable
