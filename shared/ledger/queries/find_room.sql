-- Write 16 MB beside the tables, and forget them: a disk that is full fails this as it fails a batch. Within a
-- transaction that `use_disk` began, as it is else held in memory.
with filling as materialized (select repeat(md5(n::text), 32) from generate_series(1, 16384) as n) select count(*) from filling
