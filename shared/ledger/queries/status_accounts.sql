-- How many citizens there are, by the status and level of their PIN.
select status, level, count(*) as accounts from account group by status, level order by status, level
