import type { Knex } from 'knex'

/**
 * What an application may send of card data; which of its requests were answered already. Old code on this schema goes on: it looks
 * for neither, and applications that it adds may send card numbers, as before.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE applications
      ADD COLUMN cards text NOT NULL DEFAULT 'allowed' CHECK (cards IN ('required', 'allowed', 'forbidden')),
      ADD COLUMN max_cards int CHECK (max_cards > 0),
      ADD COLUMN unreadable boolean NOT NULL DEFAULT false,
      ADD CHECK (cards <> 'forbidden' OR max_cards IS NULL);
    -- Requests that an application marked, so that one repeated makes no second message. fingerprint: HMAC-SHA-256 of the body, under
    -- a key that only sealers have.
    CREATE TABLE idempotency_keys (
      application_id text NOT NULL,
      key text NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
      fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
      message_id text NOT NULL REFERENCES messages (id),
      created_at timestamptz NOT NULL,
      PRIMARY KEY (application_id, key)
    );
    CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
    GRANT SELECT, INSERT, DELETE ON idempotency_keys TO sealpost_gateway;

    GRANT SELECT (cards, max_cards, unreadable) ON applications TO sealpost_auditor;
  `)
}
