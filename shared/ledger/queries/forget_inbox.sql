-- Forget messages handled so long ago that nobody repeats them, and the suspects among them.
with old as (
    delete from inbox where ctid = any(array(
        select ctid from inbox where at < now() - $1::interval limit 5000)))
delete from suspect where at < now() - $1::interval
