-- Forget the content of letters that nobody printed in time, at most so many; gives how many never reached the shop.
with old as (
    select delivery from letter
    where seal is not null and kept_at < now() - $1::interval
    order by kept_at limit $2
    for update skip locked
), gone as (
    update letter set
        state = case when state in ('waiting', 'closed') then 'forgotten' else state end,
        bundle_key = null, seal = null, at = now()
    from old where letter.delivery = old.delivery
    returning letter.state
)
select count(*) as letters, count(*) filter (where state = 'forgotten') as unprinted from gone
