-- How many messages went to these places on a day, as far as it is committed. Each place is looked up by itself: a
-- table that has just begun to grow would be read from end to end for the whole list.
select wanted.place, sent.messages
from unnest($1::bytea[]) as wanted (place)
cross join lateral (
    select sum(messages)::integer as messages from sent_to where day = $2::date and place = wanted.place
) as sent
where sent.messages is not null
