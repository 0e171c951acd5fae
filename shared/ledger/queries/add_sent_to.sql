-- Count the messages of a batch, place by place, in rows that no other batch touches.
insert into sent_to (day, place, messages)
select $3::date, place, messages from unnest($1::bytea[], $2::integer[]) as new (place, messages)
