-- Close a day, with so many letters.
insert into print_day (day, letters) values ($1, $2)
