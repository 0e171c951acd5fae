-- Whose requests wait for an operator, in order of arrival. Not locked: the decision looks again.
select subject from account
where review_since is not null and status in ('active', 'restoring')
order by review_since, subject limit $1
