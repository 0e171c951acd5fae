-- Citizens who got their PIN in the last thirty days and keep it, by the files of this folder with all that the ledger
-- holds of each: some 5 KB.
-- {citizens}: how many. Keys are spread evenly, ids begin with their time; all is entered in the order of the indexes,
-- which is that of the rows of `citizen`: to sort them again takes a quarter of the ledger's disk beside it.
-- What is sealed or hashed is as long as the real thing, and nobody opens it.

-- Keys that come in random order, as a citizen's do, leave the pages of their index full by ln 2, 69 %. In order they leave 90.
do $$
declare
    one regclass;
begin
    for one in
        select indexrelid from pg_index
        where indisprimary and (indrelid in ('subject'::regclass, 'account'::regclass)
              or indrelid in (select inhrelid from pg_inherits where inhparent = 'entry'::regclass))
    loop
        execute format('alter index %s set (fillfactor = 69)', one);
    end loop;
end
$$;

create unlogged table citizen as
select n, lpad(to_hex(n * 4294967296 / {citizens}), 8, '0') || left(md5(n::text), 24) as key,
       (time || '7' || left(md5(n::text), 3) || '8' || right(md5(n::text), 15))::uuid::text as message_id, at, time
from generate_series(0, {citizens} - 1) as n
cross join lateral (select now() - interval '30 days' * (1 - n / {citizens}.0) as at) as made
cross join lateral (select lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as time) as written;
