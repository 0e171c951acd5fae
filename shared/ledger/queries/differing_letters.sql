-- Which of these letters are kept with another content.
select letter.delivery, given.digest
from unnest($1::uuid[], $2::bytea[]) as given (delivery, digest) join letter using (delivery)
where letter.digest <> given.digest
