-- The three roles of Sealpost, and who may enter the database. Run it once as a superuser, inside Sealpost's database:
--   psql --dbname sealpost --file roles.sql
-- Then give each role its password (\password sealpost_gateway) or its client certificate. Running it again is harmless.
DO $$
BEGIN
  -- Owns the schema; only `sealpost migrate` and admin commands use it.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sealpost_owner') THEN
    CREATE ROLE sealpost_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
  -- What `sealpost serve` uses: no DDL, audit events insert-only.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sealpost_gateway') THEN
    CREATE ROLE sealpost_gateway LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
  -- Reads, never ciphertext.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sealpost_auditor') THEN
    CREATE ROLE sealpost_auditor LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;

  EXECUTE format('ALTER DATABASE %I OWNER TO sealpost_owner', current_database());
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO sealpost_gateway, sealpost_auditor', current_database());
END
$$;

ALTER ROLE sealpost_auditor SET default_transaction_read_only = on;
ALTER SCHEMA public OWNER TO sealpost_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO sealpost_gateway, sealpost_auditor;
