-- Draw numbers for istanze, in ascending order: the year in Italy, followed by ten digits.
select draw_protocols($1) as number
