-- How the letters stand of which the shop says something, locked; those that are of the job it names.
select letter.delivery, letter.job, letter.state, letter.printings, letter.seal is not null as kept
from unnest($1::uuid[], $2::text[]) as given (delivery, job)
join letter on letter.delivery = given.delivery and letter.job = given.job
order by letter.delivery
for update of letter
