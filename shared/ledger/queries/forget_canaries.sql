-- Forget canaries of long ago, in the same way as deliveries.
with gone as (
    delete from canary where ctid = any(array(
        select ctid from canary where made_at >= $2 and made_at < now() - $1::interval
        order by made_at limit $3
        for update skip locked))
    returning made_at
)
select count(*) as rows, max(made_at) as last from gone
