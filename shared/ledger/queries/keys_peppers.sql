-- How many live PINs have their verifier under each pepper.
select pepper, count(*) as found from account where status in ('issued', 'active', 'restoring') group by pepper
