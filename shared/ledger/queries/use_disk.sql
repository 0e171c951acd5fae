-- Let this transaction hold its intermediate rows on the disk.
select set_config('work_mem', '64kB', true)
