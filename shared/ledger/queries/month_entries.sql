-- The entries of a month, chain by chain; with the first of each chain the hash that it follows.
with one as (
    select entry.*, lag(entry.subject) over (order by entry.subject, entry.seq) is distinct from entry.subject as first
    from entry
    where at >= (select since from entry_month where month = $1::date)
      and at < (select until from entry_month where month = $1::date)
)
select subject, seq, at, kind, message_id, actor, correlation_id, data, writer, account, hash,
       case when first and seq > 1 then coalesce(
           (select hash from entry as earlier where earlier.subject = one.subject and earlier.seq = one.seq - 1),
           (select hash from sealed_head where sealed_head.subject = one.subject and sealed_head.seq = one.seq - 1))
       end as before
from one order by subject, seq
