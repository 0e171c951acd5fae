-- The roles and the database of the ledger; safe to run again. Run by a superuser with psql.
-- Passwords are set apart, by deploy/postgres/passwords.py, so that none stands in a file.
SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['owner', 'issuer', 'notifier', 'revoker', 'dispositivo', 'pinctl']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

SELECT 'CREATE DATABASE ledger OWNER owner'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ledger')
\gexec

REVOKE ALL ON DATABASE ledger FROM PUBLIC;
GRANT CONNECT ON DATABASE ledger TO issuer, notifier, revoker, dispositivo, pinctl;
