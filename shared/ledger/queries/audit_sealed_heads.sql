-- Where every chain goes on whose first months have left, or that of one citizen, in the order of the keys.
select subject, seq, hash, account_seq, account, older, newer
from sealed_head where $1::bytea is null or subject = $1 order by subject
