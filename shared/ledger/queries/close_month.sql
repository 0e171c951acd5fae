-- Close a month that is over: it takes no entry any more.
select close_month($1::date)
