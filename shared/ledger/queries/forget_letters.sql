-- Forget letters of long ago, in the same way as deliveries.
select rows, last from forget_letters($1::interval, $2, $3)
