-- Letters of a job that cannot be typeset: nobody prints them.
update letter set state = 'failed', bundle_key = null, seal = null, at = now()
where delivery = any($1::uuid[]) and state = 'closed'
