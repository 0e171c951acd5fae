-- Put letters into their jobs, each at its place.
update letter set state = 'closed', job = given.job, place = given.place, printings = printings + 1, at = now()
from unnest($1::uuid[], $2::text[], $3::integer[]) as given (delivery, job, place)
where letter.delivery = given.delivery and letter.state = 'waiting'
