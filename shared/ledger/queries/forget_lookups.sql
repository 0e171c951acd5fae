-- Forget how often operators looked in hours that are over, in the same way as the inbox.
with turn as materialized (select pg_try_advisory_xact_lock(hashtext('forget_lookups')) as ours),
gone as (
    delete from lookup where ctid = any(array(
        select ctid from lookup
        where (select ours from turn)
          and hour >= $2::timestamptz
          and hour < now() - $1::interval
        order by hour limit $3))
    returning hour
)
select count(*) as rows, max(hour) as last from gone
