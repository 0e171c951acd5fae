-- Take back one try of each of these messages: it failed by no fault of theirs.
update suspect set tries = greatest(tries - 1, 0) where message_id = any($1::uuid[])
