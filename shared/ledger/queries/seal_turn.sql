-- Take the turn of the one process that seals accounts anew; it keeps it as long as it is connected.
select pg_try_advisory_lock(hashtext('seal_accounts'))
