import type { Knex } from 'knex'

/**
 * The first schema. Ids are text (`kernel/ids.ts`), fingerprints upper-case hex, times timestamptz.
 * `ciphertext` is incompressible, so PostgreSQL is told not to try.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE applications (
      id text PRIMARY KEY,
      name text NOT NULL UNIQUE,
      san text NOT NULL UNIQUE,
      senders text[] NOT NULL,
      created_at timestamptz NOT NULL,
      revoked_at timestamptz
    );

    CREATE TABLE recipients (
      id text PRIMARY KEY,
      address text NOT NULL,
      kind text NOT NULL CHECK (kind IN ('employee', 'supplier', 'customer')),
      organisation text NOT NULL,
      state text NOT NULL CHECK (state IN ('active', 'suspended', 'unenrolled')),
      created_at timestamptz NOT NULL
    );
    CREATE UNIQUE INDEX recipients_address ON recipients (address);

    CREATE TABLE certificates (
      fingerprint text PRIMARY KEY CHECK (fingerprint ~ '^([0-9A-F]{40}|[0-9A-F]{64})$'),
      recipient_id text NOT NULL REFERENCES recipients (id),
      bytes bytea NOT NULL CHECK (length(bytes) <= 65536),
      encryption_subkey text NOT NULL CHECK (encryption_subkey ~ '^([0-9A-F]{40}|[0-9A-F]{64})$'),
      algorithm text NOT NULL,
      format text NOT NULL CHECK (format IN ('seipdv1', 'seipdv2')),
      state text NOT NULL CHECK (state IN ('active', 'retired', 'revoked')),
      accepted_at timestamptz NOT NULL,
      expires_at timestamptz,
      revoked_at timestamptz,
      CHECK ((state = 'revoked') = (revoked_at IS NOT NULL))
    );
    CREATE UNIQUE INDEX certificates_one_active ON certificates (recipient_id) WHERE state = 'active';
    CREATE INDEX certificates_by_recipient ON certificates (recipient_id);

    CREATE TABLE destinations (
      domain text PRIMARY KEY,
      rule jsonb NOT NULL,
      updated_at timestamptz NOT NULL
    );

    CREATE TABLE signing_keys (
      fingerprint text PRIMARY KEY,
      certificate bytea NOT NULL,
      nonce bytea NOT NULL,
      sealed bytea NOT NULL,
      kdf jsonb NOT NULL,
      created_at timestamptz NOT NULL,
      retired_at timestamptz
    );
    CREATE UNIQUE INDEX signing_keys_one_current ON signing_keys ((retired_at IS NULL)) WHERE retired_at IS NULL;

    CREATE TABLE messages (
      id text PRIMARY KEY,
      application_id text NOT NULL REFERENCES applications (id),
      sender text NOT NULL,
      reference text,
      accepted_at timestamptz NOT NULL
    );

    CREATE TABLE deliveries (
      id text PRIMARY KEY,
      message_id text NOT NULL REFERENCES messages (id),
      position int NOT NULL,
      recipient_id text NOT NULL REFERENCES recipients (id),
      address text NOT NULL,
      certificate text NOT NULL REFERENCES certificates (fingerprint),
      encryption_subkey text NOT NULL,
      format text NOT NULL,
      outer_date text NOT NULL,
      outer_message_id text NOT NULL,
      ciphertext bytea,
      ciphertext_sha256 text NOT NULL,
      ciphertext_bytes int NOT NULL,
      state text NOT NULL CHECK (state IN ('queued', 'sending', 'delivered', 'failed')),
      outcome text,
      attempts int NOT NULL DEFAULT 0,
      accepted_at timestamptz NOT NULL,
      next_attempt_at timestamptz,
      give_up_at timestamptz NOT NULL,
      settled_at timestamptz,
      UNIQUE (message_id, position)
    );
    ALTER TABLE deliveries ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

    CREATE TABLE attempts (
      delivery_id text NOT NULL REFERENCES deliveries (id),
      number int NOT NULL,
      started_at timestamptz NOT NULL,
      finished_at timestamptz NOT NULL,
      outcome text NOT NULL,
      host text,
      address text,
      port int,
      tls jsonb,
      reply_code int,
      reply text CHECK (length(reply) <= 512),
      PRIMARY KEY (delivery_id, number)
    );

    CREATE TABLE audit_events (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id text NOT NULL UNIQUE,
      at timestamptz NOT NULL,
      type text NOT NULL,
      body text NOT NULL,
      hash bytea NOT NULL CHECK (length(hash) = 32)
    );
  `)
}
