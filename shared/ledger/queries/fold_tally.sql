-- Add so many of the changes, at most, to the sums that `pinctl status` shows; returns how many there were.
select fold_tally($1)
