-- Whether it is this process that talks to the print shop: none other does until it yields, or its connection ends.
select pg_try_advisory_lock(hashtext('print_shop'))
