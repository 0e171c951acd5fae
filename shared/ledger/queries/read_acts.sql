-- Lock the chain of what operators of the system did, and read its head.
select entries, head from operator_acts()
