import type { Knex } from 'knex'

/**
 * What applications hear of their messages: updates, webhooks; until when a message may be sent; how much an application may post.
 * Old code on this schema goes on: the trigger writes the updates, and messages of old code never expire.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE applications
      ADD COLUMN rate_per_minute int NOT NULL DEFAULT 600 CHECK (rate_per_minute BETWEEN 1 AND 1000000);
    GRANT SELECT (rate_per_minute) ON applications TO sealpost_auditor;

    -- After this nothing of the message is sent, whatever the policy's time is.
    ALTER TABLE messages ADD COLUMN expires_at timestamptz;
    GRANT SELECT (expires_at) ON messages TO sealpost_auditor;
    -- An application's list, newest first: of all, and of one reference.
    CREATE INDEX messages_by_application ON messages (application_id, accepted_at, id);
    CREATE INDEX messages_by_reference ON messages (application_id, reference, accepted_at) WHERE reference IS NOT NULL;

    -- Each change of a delivery, for its application, made by the trigger below: no code can change one without it. Read in the
    -- order (xid, id), up to the oldest transaction under way; see tell_updates about xid.
    CREATE TABLE updates (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      xid xid8 NOT NULL,
      application_id text NOT NULL,
      message_id text NOT NULL,
      delivery_id text NOT NULL,
      type text NOT NULL,
      outcome text,
      at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX updates_by_application ON updates (application_id, xid, id);
    CREATE INDEX updates_by_message ON updates (message_id, xid, id);
    GRANT SELECT, DELETE ON updates TO sealpost_gateway;

    CREATE TABLE webhooks (
      id text PRIMARY KEY,
      application_id text NOT NULL REFERENCES applications (id),
      url text NOT NULL CHECK (url LIKE 'https://%' AND length(url) <= 2048),
      created_at timestamptz NOT NULL,
      -- Of its last call: when, and how it ended. status is null when there was no answer.
      called_at timestamptz,
      last_status int,
      last_failure text,
      -- Since when no call succeeded, and until when none is made because of that.
      failing_since timestamptz,
      paused_until timestamptz,
      disabled_at timestamptz,
      removed_at timestamptz
    );
    CREATE INDEX webhooks_by_application ON webhooks (application_id) WHERE removed_at IS NULL;
    -- Secrets, wrapped like the gateway's other keys. Until it ends, a former one signs, too.
    CREATE TABLE webhook_secrets (
      webhook_id text NOT NULL REFERENCES webhooks (id),
      created_at timestamptz NOT NULL,
      ends_at timestamptz,
      nonce bytea NOT NULL,
      sealed bytea NOT NULL,
      PRIMARY KEY (webhook_id, created_at)
    );
    -- Calls to make. update_id is null for a test. attempts: begun so far, the fencing token.
    CREATE TABLE webhook_calls (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      webhook_id text NOT NULL,
      update_id bigint,
      message_id text,
      state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
      attempts int NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      settled_at timestamptz
    );
    CREATE INDEX webhook_calls_due ON webhook_calls (webhook_id, next_attempt_at, id) WHERE state = 'waiting';
    CREATE INDEX webhook_calls_tests ON webhook_calls (next_attempt_at) WHERE state = 'waiting' AND update_id IS NULL;
    CREATE INDEX webhook_calls_in_order ON webhook_calls (webhook_id, message_id, id) WHERE state = 'waiting';
    CREATE INDEX webhook_calls_by_age ON webhook_calls (settled_at) WHERE state <> 'waiting';
    -- Where calls go and what signs them is said on the host alone.
    GRANT SELECT, UPDATE (called_at, last_status, last_failure, failing_since, paused_until, disabled_at)
      ON webhooks TO sealpost_gateway;
    GRANT SELECT ON webhook_secrets TO sealpost_gateway;
    GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_calls TO sealpost_gateway;

    GRANT SELECT (id, application_id, created_at, called_at, last_status, failing_since, disabled_at, removed_at)
      ON webhooks TO sealpost_auditor;

    -- An update never sorts before an earlier one of its message: a transaction that began early can change a delivery late. The
    -- xid that it takes instead of its own is of one that has ended, and nobody reads as far while this one is under way.
    CREATE FUNCTION tell_updates() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
      BEGIN
        WITH made AS (
          INSERT INTO updates (xid, application_id, message_id, delivery_id, type, outcome)
          SELECT greatest(pg_current_xact_id(),
                          (SELECT u.xid FROM updates u WHERE u.message_id = n.message_id ORDER BY u.xid DESC, u.id DESC LIMIT 1)),
                 m.application_id, n.message_id, n.id,
                 'delivery.' || CASE WHEN n.state <> 'queued' THEN n.state
                                     WHEN o.state = 'quarantined' THEN 'released' ELSE 'deferred' END,
                 n.outcome
            FROM after_rows n JOIN before_rows o USING (id) JOIN messages m ON m.id = n.message_id
           WHERE n.state <> 'sending' AND (o.state <> n.state OR o.attempts <> n.attempts)
           ORDER BY n.id
          RETURNING id, application_id, message_id)
        INSERT INTO webhook_calls (webhook_id, update_id, message_id)
          SELECT w.id, made.id, made.message_id
            FROM made JOIN webhooks w ON w.application_id = made.application_id
            JOIN applications a ON a.id = w.application_id
           WHERE w.removed_at IS NULL AND w.disabled_at IS NULL AND a.revoked_at IS NULL
           ORDER BY made.id;
        RETURN NULL;
      END $$;
    CREATE TRIGGER deliveries_tell AFTER UPDATE ON deliveries
      REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
      FOR EACH STATEMENT EXECUTE FUNCTION tell_updates();
  `)
}
