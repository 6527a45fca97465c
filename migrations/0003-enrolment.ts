import type { Knex } from 'knex'

/**
 * Operators and their change requests; enrolment; the life of certificates; the crypto policy in force; notices.
 * Old code on this schema refuses everybody: its recipients have no attestation, and no policy is approved.
 *
 * What the gateway's role may insert as a certificate is checked again here: only what an approved proposal of two
 * different operators names. `revoked` and `unenrolled` are final for everybody.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE operators (
      id text PRIMARY KEY,
      name text NOT NULL UNIQUE,
      address text NOT NULL,
      roles text[] NOT NULL CHECK (roles <@ ARRAY['admin', 'approver', 'custodian', 'auditor'] AND cardinality(roles) > 0),
      created_at timestamptz NOT NULL,
      revoked_at timestamptz
    );
    -- One person under two names would be both of the two that a change needs.
    CREATE UNIQUE INDEX operators_address ON operators (lower(address)) WHERE revoked_at IS NULL;

    -- Secrets that were handed out, by their SHA-256: sign-in links and sessions of operators.
    CREATE TABLE operator_links (
      token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
      operator_id text NOT NULL REFERENCES operators (id),
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      used_at timestamptz
    );
    CREATE TABLE operator_sessions (
      token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
      operator_id text NOT NULL REFERENCES operators (id),
      created_at timestamptz NOT NULL,
      last_seen_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      ended_at timestamptz
    );

    CREATE TABLE change_requests (
      id text PRIMARY KEY,
      kind text NOT NULL,
      subject text NOT NULL,
      body jsonb NOT NULL,
      state text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'withdrawn', 'expired')),
      asked_by text NOT NULL REFERENCES operators (id),
      asked_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      decided_by text REFERENCES operators (id),
      decided_at timestamptz,
      CHECK (state NOT IN ('approved', 'rejected') OR (decided_by IS NOT NULL AND decided_by <> asked_by)),
      CHECK ((state = 'pending') = (decided_at IS NULL))
    );
    CREATE UNIQUE INDEX change_requests_one_pending ON change_requests (kind, subject) WHERE state = 'pending';

    CREATE FUNCTION change_request_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' AND (OLD.state <> 'pending' OR (OLD.kind, OLD.subject, OLD.body, OLD.asked_by, OLD.expires_at)
        IS DISTINCT FROM (NEW.kind, NEW.subject, NEW.body, NEW.asked_by, NEW.expires_at)) THEN
        RAISE EXCEPTION 'what was asked never changes, and is decided once' USING ERRCODE = 'check_violation';
      END IF;
      IF NEW.state = 'approved' AND NEW.decided_at >= NEW.expires_at THEN
        RAISE EXCEPTION 'it was not approved in time' USING ERRCODE = 'check_violation';
      END IF;
      IF current_user = 'sealpost_gateway' AND (
        TG_OP = 'INSERT' AND (NEW.state <> 'pending' OR NOT EXISTS (
          SELECT FROM operators WHERE id = NEW.asked_by AND revoked_at IS NULL AND 'admin' = ANY (roles))) OR
        NEW.state IN ('approved', 'rejected') AND NOT EXISTS (
          SELECT FROM operators WHERE id = NEW.decided_by AND revoked_at IS NULL AND 'approver' = ANY (roles))) THEN
        RAISE EXCEPTION 'this operator may not do that'
          USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'change_requests_operator';
      END IF;
      RETURN NEW;
    END
    $$;
    CREATE TRIGGER change_requests_guard BEFORE INSERT OR UPDATE ON change_requests
      FOR EACH ROW EXECUTE FUNCTION change_request_guard();

    ALTER TABLE recipients
      DROP CONSTRAINT recipients_state_check,
      ADD CHECK (state IN ('invited', 'active', 'suspended', 'unenrolled')),
      ADD COLUMN phone text,
      ADD COLUMN retention_days int CHECK (retention_days > 0),
      ADD COLUMN attested_until timestamptz,
      ADD COLUMN suspended_for text,
      ADD CHECK ((state = 'suspended') = (suspended_for IS NOT NULL)),
      ADD COLUMN invited_by text REFERENCES operators (id);
    -- An address can be enrolled anew after it was unenrolled; the old recipient stays what it was.
    DROP INDEX recipients_address;
    CREATE UNIQUE INDEX recipients_address ON recipients (address) WHERE state <> 'unenrolled';

    CREATE TABLE attestations (
      id text PRIMARY KEY,
      recipient_id text NOT NULL REFERENCES recipients (id),
      kind text NOT NULL CHECK (kind IN ('aoc', 'saq', 'contract', 'scope', 'training', 'retention')),
      reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
      valid_until timestamptz NOT NULL,
      recorded_by text REFERENCES operators (id),
      recorded_at timestamptz NOT NULL
    );
    CREATE INDEX attestations_of_recipient ON attestations (recipient_id, kind, valid_until);

    -- What a recipient was sent to act with, by SHA-256: invitations, sessions of the enrolment page, revocation links.
    CREATE TABLE recipient_links (
      token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
      purpose text NOT NULL CHECK (purpose IN ('enrol', 'session', 'revoke')),
      recipient_id text NOT NULL REFERENCES recipients (id),
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      used_at timestamptz
    );
    CREATE INDEX recipient_links_of_recipient ON recipient_links (recipient_id, purpose);

    CREATE TABLE proposals (
      id text PRIMARY KEY,
      recipient_id text NOT NULL REFERENCES recipients (id),
      fingerprint text NOT NULL CHECK (fingerprint ~ '^([0-9A-F]{40}|[0-9A-F]{64})$'),
      bytes bytea NOT NULL CHECK (length(bytes) <= 65536),
      encryption_subkey text NOT NULL CHECK (encryption_subkey ~ '^([0-9A-F]{40}|[0-9A-F]{64})$'),
      algorithm text NOT NULL,
      format text NOT NULL CHECK (format IN ('seipdv1', 'seipdv2')),
      rsa_moduli bytea[] NOT NULL,
      expires_at timestamptz,
      source text NOT NULL CHECK (source IN ('upload', 'wkd', 'vks', 'refresh')),
      certified_by text,
      state text NOT NULL CHECK (state IN ('proposed', 'proved', 'verified', 'approved', 'activated', 'dropped')),
      proposed_at timestamptz NOT NULL,
      nonce_sha256 bytea CHECK (length(nonce_sha256) = 32),
      nonce_expires_at timestamptz,
      nonce_sent_at timestamptz,
      nonce_tries int NOT NULL DEFAULT 0,
      proved_at timestamptz,
      verified_by text REFERENCES operators (id),
      verified_means text CHECK (verified_means IN ('phone', 'in_person', 'video', 'letter')),
      verified_at timestamptz,
      change_request text REFERENCES change_requests (id),
      approved_at timestamptz,
      activates_at timestamptz,
      activated_at timestamptz,
      dropped_at timestamptz,
      dropped_for text,
      CHECK (state IN ('proposed', 'dropped') OR proved_at IS NOT NULL),
      CHECK (state IN ('proposed', 'proved', 'dropped') OR verified_at IS NOT NULL OR certified_by IS NOT NULL),
      CHECK (state NOT IN ('approved', 'activated') OR approved_at IS NOT NULL),
      CHECK (state NOT IN ('approved', 'activated') OR change_request IS NOT NULL OR certified_by IS NOT NULL),
      CHECK ((state = 'dropped') = (dropped_at IS NOT NULL))
    );
    CREATE UNIQUE INDEX proposals_one_open ON proposals (recipient_id) WHERE state NOT IN ('activated', 'dropped');
    CREATE UNIQUE INDEX proposals_nonce ON proposals (nonce_sha256);
    CREATE INDEX proposals_of_recipient ON proposals (recipient_id, proposed_at);
    CREATE INDEX proposals_due ON proposals (activates_at) WHERE state = 'approved';

    CREATE FUNCTION proposal_moves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' AND NEW.state <> 'proposed' OR TG_OP = 'UPDATE' AND NEW.state <> OLD.state AND
        (OLD.state, NEW.state) NOT IN (
          ('proposed', 'proved'), ('proved', 'verified'), ('verified', 'approved'), ('proved', 'approved'),
          ('approved', 'activated'), ('proposed', 'dropped'), ('proved', 'dropped'), ('verified', 'dropped'),
          ('approved', 'dropped')) THEN
        RAISE EXCEPTION 'a proposal does not go that way' USING ERRCODE = 'check_violation';
      END IF;
      IF TG_OP = 'UPDATE' AND (OLD.fingerprint, OLD.bytes, OLD.encryption_subkey, OLD.recipient_id) IS DISTINCT FROM
        (NEW.fingerprint, NEW.bytes, NEW.encryption_subkey, NEW.recipient_id) THEN
        RAISE EXCEPTION 'the certificate of a proposal never changes' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END
    $$;
    CREATE TRIGGER proposals_move BEFORE INSERT OR UPDATE ON proposals FOR EACH ROW EXECUTE FUNCTION proposal_moves();

    ALTER TABLE certificates
      ADD COLUMN proposal_id text REFERENCES proposals (id),
      ADD COLUMN rsa_moduli bytea[] NOT NULL DEFAULT '{}',
      ADD COLUMN retired_at timestamptz,
      ADD COLUMN finish_until timestamptz,
      ADD COLUMN revoked_for text CHECK (revoked_for IN ('compromised', 'superseded', 'retired', 'left', 'unknown')),
      ADD COLUMN refreshed_at timestamptz;

    CREATE FUNCTION certificate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' AND OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN
        (('active', 'retired'), ('active', 'revoked'), ('retired', 'revoked')) THEN
        RAISE EXCEPTION 'a certificate never comes back' USING ERRCODE = 'check_violation';
      END IF;
      IF TG_OP = 'INSERT' AND current_user = 'sealpost_gateway' AND NOT EXISTS (
        SELECT FROM proposals p LEFT JOIN change_requests c ON c.id = p.change_request
         WHERE p.id = NEW.proposal_id AND p.recipient_id = NEW.recipient_id AND p.fingerprint = NEW.fingerprint
           AND p.bytes = NEW.bytes AND p.encryption_subkey = NEW.encryption_subkey AND p.state = 'approved'
           AND (c.state = 'approved' AND c.decided_by <> c.asked_by OR c.id IS NULL AND EXISTS (
             SELECT FROM certificates previous WHERE previous.fingerprint = p.certified_by
              AND previous.recipient_id = p.recipient_id AND (previous.state = 'active'
                -- It gives way in this very moment: only one is active at a time.
                OR previous.state = 'retired' AND previous.retired_at = NEW.accepted_at)))) THEN
        RAISE EXCEPTION 'no approved proposal names this certificate' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END
    $$;
    CREATE TRIGGER certificates_guard BEFORE INSERT OR UPDATE ON certificates
      FOR EACH ROW EXECUTE FUNCTION certificate_guard();

    CREATE FUNCTION recipient_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        IF current_user = 'sealpost_gateway' AND (NEW.state <> 'invited' OR NEW.attested_until IS NOT NULL) THEN
          RAISE EXCEPTION 'a recipient begins with an invitation' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
      END IF;
      IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
          ('invited', 'active'), ('active', 'suspended'), ('suspended', 'active'), ('invited', 'unenrolled'),
          ('active', 'unenrolled'), ('suspended', 'unenrolled')) OR OLD.address <> NEW.address THEN
        RAISE EXCEPTION 'a recipient does not go that way, and an address is for life'
          USING ERRCODE = 'check_violation';
      END IF;
      IF OLD.state = 'invited' AND NEW.state = 'active' AND NOT EXISTS (
        SELECT FROM certificates WHERE recipient_id = NEW.id AND state = 'active') THEN
        RAISE EXCEPTION 'no certificate was activated' USING ERRCODE = 'check_violation';
      END IF;
      IF current_user = 'sealpost_gateway' AND OLD.state = 'suspended' AND NEW.state = 'active' AND NOT EXISTS (
        SELECT FROM change_requests WHERE kind = 'recipient.reinstate' AND subject = NEW.id AND state = 'approved'
          AND xmin = pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION 'nobody approved that in this transaction' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END
    $$;
    CREATE TRIGGER recipients_guard BEFORE INSERT OR UPDATE ON recipients
      FOR EACH ROW EXECUTE FUNCTION recipient_guard();

    -- Copies of certificates change only by refresh; what was seen of a revocation stays (keys/merge.ts).
    CREATE INDEX deliveries_by_certificate ON deliveries (certificate, accepted_at);

    -- A version of keys-policy that two people put in force. The one that took effect last is the one.
    CREATE TABLE policy_records (
      id text PRIMARY KEY,
      policy text NOT NULL,
      sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
      effective_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL CHECK (expires_at > effective_at),
      change_request text REFERENCES change_requests (id),
      approved_at timestamptz NOT NULL
    );
    CREATE INDEX policy_records_effective ON policy_records (effective_at);
    -- Certificates that were accepted earlier and that a policy does not allow, from a time on.
    CREATE TABLE policy_refusals (
      record_id text NOT NULL REFERENCES policy_records (id),
      fingerprint text NOT NULL REFERENCES certificates (fingerprint),
      reasons text[] NOT NULL,
      from_at timestamptz NOT NULL,
      PRIMARY KEY (fingerprint, record_id)
    );

    CREATE TABLE notices (
      id text PRIMARY KEY,
      kind text NOT NULL,
      recipient_id text REFERENCES recipients (id),
      operator_id text REFERENCES operators (id),
      sender text NOT NULL,
      address text NOT NULL,
      -- Fields of the template, gone once sent: they may hold a link.
      fields jsonb,
      ciphertext bytea,
      format text CHECK (format IN ('seipdv1', 'seipdv2')),
      encryption_subkey text CHECK (encryption_subkey ~ '^([0-9A-F]{40}|[0-9A-F]{64})$'),
      outer_date text NOT NULL,
      outer_message_id text NOT NULL,
      created_at timestamptz NOT NULL,
      state text NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
      attempts int NOT NULL DEFAULT 0,
      next_attempt_at timestamptz,
      give_up_at timestamptz NOT NULL,
      outcome text,
      settled_at timestamptz,
      CHECK ((state = 'queued') = (settled_at IS NULL)),
      CHECK ((state = 'queued') = (next_attempt_at IS NOT NULL)),
      CHECK (CASE state WHEN 'queued' THEN (fields IS NULL) <> (ciphertext IS NULL)
                        ELSE fields IS NULL AND ciphertext IS NULL END),
      CHECK (ciphertext IS NULL OR (format IS NOT NULL AND encryption_subkey IS NOT NULL))
    );
    CREATE INDEX notices_due ON notices (next_attempt_at) WHERE state = 'queued';
    CREATE INDEX notices_waiting ON notices (recipient_id) WHERE state = 'queued';

    -- Reminders that were sent, so that each is sent once. due is the end that it spoke of.
    CREATE TABLE reminders (
      subject text NOT NULL,
      due timestamptz NOT NULL,
      days int NOT NULL,
      sent_at timestamptz NOT NULL,
      PRIMARY KEY (subject, due, days)
    );

    CREATE INDEX recipients_by_state ON recipients (state, id);
    CREATE INDEX recipients_by_organisation ON recipients (organisation, id);
    CREATE INDEX recipients_address_prefix ON recipients (lower(address) text_pattern_ops);
    CREATE INDEX recipients_organisation_prefix ON recipients (lower(organisation) text_pattern_ops);
    CREATE INDEX recipients_attested ON recipients (attested_until);
    CREATE INDEX certificates_expiring ON certificates (expires_at) WHERE state = 'active';
    CREATE INDEX certificates_stale ON certificates ((coalesce(refreshed_at, accepted_at))) WHERE state = 'active';
    CREATE INDEX recipient_links_expiring ON recipient_links (expires_at);

    GRANT SELECT ON operators TO sealpost_gateway;
    GRANT SELECT, INSERT, UPDATE ON operator_links, operator_sessions TO sealpost_gateway;
    GRANT SELECT, INSERT ON change_requests, attestations, recipient_links, proposals, certificates, recipients,
      policy_records, policy_refusals, notices, reminders TO sealpost_gateway;
    GRANT UPDATE (state, decided_by, decided_at) ON change_requests TO sealpost_gateway;
    GRANT UPDATE (state, phone, retention_days, attested_until, suspended_for) ON recipients TO sealpost_gateway;
    GRANT UPDATE (used_at) ON recipient_links TO sealpost_gateway;
    GRANT UPDATE (state, nonce_sha256, nonce_expires_at, nonce_sent_at, nonce_tries, proved_at, verified_by, verified_means, verified_at,
      change_request, approved_at, activates_at, activated_at, dropped_at, dropped_for) ON proposals TO sealpost_gateway;
    GRANT UPDATE (bytes, expires_at, format, state, retired_at, finish_until, revoked_at, revoked_for, refreshed_at)
      ON certificates TO sealpost_gateway;
    GRANT UPDATE (fields, ciphertext, state, attempts, next_attempt_at, outcome, settled_at) ON notices TO sealpost_gateway;
    GRANT DELETE ON recipient_links, operator_links, operator_sessions TO sealpost_gateway;

    GRANT SELECT ON operators, change_requests, attestations, policy_records, policy_refusals, reminders
      TO sealpost_auditor;
    GRANT SELECT (id, recipient_id, fingerprint, bytes, encryption_subkey, algorithm, format, expires_at, source,
      certified_by, state, proposed_at, proved_at, verified_by, verified_means, verified_at, change_request, approved_at,
      activates_at, activated_at, dropped_at, dropped_for) ON proposals TO sealpost_auditor;
    GRANT SELECT (id, kind, recipient_id, operator_id, address, created_at, state, attempts, next_attempt_at, give_up_at,
      outcome, settled_at) ON notices TO sealpost_auditor;
  `)
}
