-- Which SMS their providers' references are those of: the latest of each, as an SMSC may begin its ids anew.
select distinct on (reference) reference, id, subject
from delivery where channel = 'sms' and reference <> '' and reference = any($1::text[])
order by reference, made_at desc
