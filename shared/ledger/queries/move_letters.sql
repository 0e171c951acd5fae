-- Write what became of letters; the content of one that is printed goes.
update letter set
    state = given.state,
    day = coalesce(given.day, letter.day),
    bundle_key = case when given.state = 'waiting' then bundle_key end,
    seal = case when given.state = 'waiting' then seal end,
    at = now()
from unnest($1::uuid[], $2::text[], $3::date[]) as given (delivery, state, day)
where letter.delivery = given.delivery
