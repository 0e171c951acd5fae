-- The digest of every account as it is stored, or of one citizen's, in the order of the keys.
select subject, version, status, schema, digest from account_digest where $1::bytea is null or subject = $1 order by subject
