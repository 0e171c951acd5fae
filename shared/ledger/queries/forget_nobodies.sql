-- Forget, in the same way, citizens of whom nothing is known but guesses of long ago, with their rows.
select rows, last from forget_nobodies($1::interval, $2::timestamptz, $3::integer)
