-- Forget attempts that nobody answered, in the same way as the inbox. All that are open are few: they need no index.
with turn as materialized (select pg_try_advisory_xact_lock(hashtext('forget_attempts')) as ours),
gone as (
    delete from attempt where ctid = any(array(
        select ctid from attempt
        where (select ours from turn) and at >= $2::timestamptz and at < now() - $1::interval
        order by at limit $3))
    returning at
)
select count(*) as rows, max(at) as last from gone
