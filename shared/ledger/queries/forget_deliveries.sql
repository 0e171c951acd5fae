-- Forget deliveries of long ago, in the same way as the inbox.
select rows, last from forget_deliveries($1::interval, $2, $3)
