-- Let another process talk to the print shop.
select pg_advisory_unlock(hashtext('print_shop'))
