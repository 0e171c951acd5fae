-- The letters that are in no job yet, by day and region, with the age of the oldest.
select day, region, count(*) as letters, extract(epoch from now() - min(kept_at))::float8 as age
from letter where state = 'waiting' group by day, region order by day, region
