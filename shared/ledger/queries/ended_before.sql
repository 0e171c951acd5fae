-- Whose PIN ended longer ago than a period, oldest first, after a citizen, at most so many. An account that did not open
-- when it was last read is passed over: it cannot be emptied.
select subject, at from ended
where (at, subject) > ($2, $3) and at < now() - $1::interval
  and not exists (select from unreadable where unreadable.subject = ended.subject)
order by at, subject limit $4
