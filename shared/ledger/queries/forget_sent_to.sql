-- Forget what went out on days that are over, in the same way as the inbox: at most so many rows, from a day on.
with turn as materialized (select pg_try_advisory_xact_lock(hashtext('forget_sent_to')) as ours),
gone as (
    delete from sent_to where ctid = any(array(
        select ctid from sent_to
        where (select ours from turn)
          and day >= ($2::timestamptz at time zone 'Europe/Rome')::date
          and day < ((now() - $1::interval) at time zone 'Europe/Rome')::date
        order by day limit $3))
    returning day
)
select count(*) as rows, max(day)::timestamp at time zone 'Europe/Rome' as last from gone
