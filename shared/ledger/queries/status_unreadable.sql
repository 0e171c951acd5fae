-- How many citizens have an account that did not open when it was last read.
select count(*) as citizens from unreadable
