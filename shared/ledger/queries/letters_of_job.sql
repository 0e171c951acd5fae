-- The letters of a job, in their order; no content of those that were erased.
select delivery, place, digest, key_id, bundle_key, seal from letter where job = $1 order by place
