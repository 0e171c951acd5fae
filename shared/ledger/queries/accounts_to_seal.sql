-- The next accounts in the order of their keys, at most so many, and which of them are not sealed with the keys whose
-- seals begin so. (An erased account has nothing to seal.)
select subject, octet_length(state) > 28 and substring(state from 1 for 5) <> all($2::bytea[]) as outdated
from account where subject > $1::bytea order by subject limit $3
