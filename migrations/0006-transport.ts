import type { Knex } from 'knex'

/**
 * Rules of destinations that two operators decide; what was learnt of other people's servers (MTA-STS policies, lists of
 * revoked certificates); deliveries that wait for an operator; the DKIM key. Old code on this schema goes on: it reads
 * `pinned` and `secure` rules as before and refuses a domain whose rule is `auto`.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The gateway may set a rule that authenticates itself (auto) where there was none; anything else is approved first.
    -- Whoever approves that a rule is taken away approves the rule null.
    CREATE FUNCTION destination_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_user = 'sealpost_gateway' AND NOT (TG_OP = 'INSERT' AND NEW.rule ->> 'mode' = 'auto') AND NOT EXISTS (
        SELECT FROM change_requests
         WHERE kind = 'destination.set' AND subject = coalesce(NEW.domain, OLD.domain) AND state = 'approved'
           AND body -> 'rule' = coalesce(NEW.rule, 'null') AND xmin = pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION 'nobody approved that in this transaction' USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN coalesce(NEW, OLD);
    END
    $$;
    CREATE TRIGGER destinations_guard BEFORE INSERT OR UPDATE OR DELETE ON destinations
      FOR EACH ROW EXECUTE FUNCTION destination_guard();
    GRANT INSERT, UPDATE (rule, updated_at), DELETE ON destinations TO sealpost_gateway;

    -- What became of a domain: the last attempts at its servers, and who set its rule.
    CREATE INDEX deliveries_by_domain ON deliveries ((lower(split_part(address, '@', 2))), id);
    CREATE INDEX change_requests_by_subject ON change_requests (subject, id);
    CREATE INDEX audit_events_of_destinations ON audit_events ((body::jsonb ->> 'domain'), seq)
      WHERE type IN ('destination.set', 'destination.removed');

    -- MTA-STS policies (RFC 8461), kept until max_age is over, whatever becomes of DNS and HTTPS meanwhile.
    CREATE TABLE mta_sts_policies (
      domain text PRIMARY KEY,
      policy_id text NOT NULL CHECK (policy_id ~ '^[A-Za-z0-9]{1,32}$'),
      mode text NOT NULL CHECK (mode IN ('enforce', 'testing', 'none')),
      mx text[] NOT NULL,
      fetched_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL
    );
    GRANT SELECT, INSERT, UPDATE, DELETE ON mta_sts_policies TO sealpost_gateway;

    -- Lists of revoked certificates (RFC 5280 section 5) whose signature was verified, by where they came from.
    CREATE TABLE revocation_lists (
      url text PRIMARY KEY CHECK (length(url) <= 1024),
      issuer_sha256 text NOT NULL CHECK (issuer_sha256 ~ '^[0-9a-f]{64}$'),
      der bytea NOT NULL,
      this_update timestamptz NOT NULL,
      next_update timestamptz NOT NULL,
      fetched_at timestamptz NOT NULL
    );
    ALTER TABLE revocation_lists ALTER COLUMN der SET STORAGE EXTERNAL;
    GRANT SELECT, INSERT, UPDATE, DELETE ON revocation_lists TO sealpost_gateway;

    -- A quarantined delivery waits for an operator, who releases or cancels it; its ciphertext is kept.
    ALTER TABLE deliveries
      DROP CONSTRAINT deliveries_state_check,
      ADD CONSTRAINT deliveries_state_check
        CHECK (state IN ('queued', 'sending', 'quarantined', 'delivered', 'failed')) NOT VALID,
      ADD COLUMN quarantined_at timestamptz,
      -- Attempts in a row that broke off without an answer from the world: the courier died, or a reply was nonsense.
      ADD COLUMN strikes smallint NOT NULL DEFAULT 0,
      ADD COLUMN released_by text REFERENCES operators (id);
    -- Not by state: an index that names it would make each step of every delivery rewrite all indexes (no HOT update).
    CREATE INDEX deliveries_quarantined ON deliveries (id) WHERE quarantined_at IS NOT NULL;
    GRANT UPDATE (quarantined_at, strikes, released_by) ON deliveries TO sealpost_gateway;
    GRANT SELECT (quarantined_at, strikes, released_by) ON deliveries TO sealpost_auditor;

    -- The key that signs mails for our domain (RFC 6376), wrapped like the signing key. Several until DNS has forgotten.
    CREATE TABLE dkim_keys (
      domain text NOT NULL,
      selector text NOT NULL,
      algorithm text NOT NULL CHECK (algorithm IN ('rsa-sha256', 'ed25519-sha256')),
      public_key text NOT NULL,
      nonce bytea NOT NULL,
      sealed bytea NOT NULL,
      created_at timestamptz NOT NULL,
      retired_at timestamptz,
      PRIMARY KEY (domain, selector)
    );
    CREATE UNIQUE INDEX dkim_keys_one_current ON dkim_keys (domain) WHERE retired_at IS NULL;
    GRANT SELECT ON dkim_keys TO sealpost_gateway;

    GRANT SELECT ON mta_sts_policies TO sealpost_auditor;
    GRANT SELECT (url, issuer_sha256, this_update, next_update, fetched_at) ON revocation_lists TO sealpost_auditor;
    GRANT SELECT (domain, selector, algorithm, public_key, created_at, retired_at) ON dkim_keys TO sealpost_auditor;
  `)
}
