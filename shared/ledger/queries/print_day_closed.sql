-- Whether a day is closed.
select exists (select from print_day where day = $1)
