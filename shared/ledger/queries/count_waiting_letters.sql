-- How many letters wait that belong to a day or to an earlier one.
select count(*) from letter where state = 'waiting' and day <= $1
