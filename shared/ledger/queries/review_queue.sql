-- Whose requests wait for an operator, in order of arrival. Not locked: the decision looks again.
-- Those whose account did not open come beside the number asked for, so that they keep nobody out of sight.
select subject from account
where review_since is not null and status in ('active', 'restoring')
order by review_since, subject
limit $1 + (select count(*) from (select from unreadable limit 1000) as few)
