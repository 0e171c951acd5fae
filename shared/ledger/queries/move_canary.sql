-- Write what was told of a canary.
update canary set told = $3, late = $4, ended = $5 where channel = $1 and slot = $2
