-- The shop has a job: so its letters are handed over.
with handed as (
    update print_job set state = 'handed', handed_at = now() where id = $1 and state = 'closed' returning id
)
update letter set state = 'handed', at = now() from handed where letter.job = handed.id and letter.state = 'closed'
