-- Gives each role its password from a file. psql reads the files, PostgreSQL stores SCRAM verifiers.
-- Runs after roles.sql, once, when the container makes its database.
SET log_statement = 'none';
SET password_encryption = 'scram-sha-256';
\set owner `cat /run/secrets/database-owner-password`
\set gateway `cat /run/secrets/database-gateway-password`
\set auditor `cat /run/secrets/database-auditor-password`
ALTER ROLE sealpost_owner PASSWORD :'owner';
ALTER ROLE sealpost_gateway PASSWORD :'gateway';
ALTER ROLE sealpost_auditor PASSWORD :'auditor';
