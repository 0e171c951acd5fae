-- Until when there are months for entries, and how many entries have none.
select (select max(until) from entry_month) as until, (select entries from entry_stray) as strays
