-- The months of the ledger, also those that have left, in their order.
select to_char(month, 'YYYY-MM') as name, month, until, closed_at is not null as closed, retired_at is not null as retired
from entry_month order by entry_month.until
