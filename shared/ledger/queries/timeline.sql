-- What happened under a correlation id, and when: of whom it is not told.
select at, kind, actor, channel, attempt, evidence from timeline_of($1, $2)
