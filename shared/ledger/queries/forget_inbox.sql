-- Forget messages handled so long ago that nobody repeats them: the oldest, from an instant on, at most so many. One
-- process of a worker does so at a time, with that worker's rows. Gives how many there were, and the instant from which to go on.
with turn as materialized (select pg_try_advisory_xact_lock(hashtext('forget_inbox ' || session_user)) as ours),
gone as (
    delete from inbox where ctid = any(array(
        select ctid from inbox
        where (select ours from turn) and worker = session_user::text collate "default" and at >= $2 and at < now() - $1::interval
        order by at limit $3
        for update skip locked))
    returning at
)
select count(*) as rows, max(at) as last from gone
