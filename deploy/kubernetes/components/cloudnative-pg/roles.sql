-- What deploy/postgres/roles.sql does beside the database, which the operator makes, and without psql, which it does
-- not use. Run once, as a superuser, in the new database; the operator keeps the roles as `ledger.yaml` says.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['owner', 'issuer', 'notifier', 'revoker', 'dispositivo', 'pinctl'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON DATABASE ledger FROM PUBLIC;
GRANT CONNECT ON DATABASE ledger TO issuer, notifier, revoker, dispositivo, pinctl;
