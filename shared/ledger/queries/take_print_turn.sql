-- Whether it is this process that closes a day: until the end of its transaction no other does.
select pg_try_advisory_xact_lock(hashtext('print_day'))
