-- Forget, in the same way, how often messages of long ago came back.
with turn as materialized (select pg_try_advisory_xact_lock(hashtext('forget_suspects ' || session_user)) as ours),
gone as (
    delete from suspect where ctid = any(array(
        select ctid from suspect
        where (select ours from turn) and worker = session_user::text collate "default" and at >= $2 and at < now() - $1::interval
        order by at limit $3
        for update skip locked))
    returning at
)
select count(*) as rows, max(at) as last from gone
