-- How many citizens there are, by the status and level of their PIN.
select status, name as level, sum(many)::bigint as accounts
from tallied where counted = 'account'
group by status, name having sum(many) <> 0 order by status, level
