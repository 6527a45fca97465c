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
    CREATE INDEX messages_by_application ON messages (application_id, id);

    -- Each change of a delivery, for its application, made by the trigger below: no code can change one without it.
    CREATE TABLE updates (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
      application_id text NOT NULL,
      message_id text NOT NULL,
      delivery_id text NOT NULL,
      type text NOT NULL,
      outcome text,
      at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX updates_in_order ON updates (xid, id);
    CREATE INDEX updates_by_application ON updates (application_id, xid, id);
    GRANT SELECT, DELETE ON updates TO sealpost_gateway;

    CREATE TABLE webhooks (
      id text PRIMARY KEY,
      application_id text NOT NULL REFERENCES applications (id),
      url text NOT NULL CHECK (url LIKE 'https://%' AND length(url) <= 2048),
      created_at timestamptz NOT NULL,
      failing_since timestamptz,
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
    -- Calls to make. update_id is null for a test.
    CREATE TABLE webhook_calls (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      webhook_id text NOT NULL REFERENCES webhooks (id),
      update_id bigint,
      message_id text,
      state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
      attempts int NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      settled_at timestamptz,
      last_status int,
      last_failure text
    );
    CREATE INDEX webhook_calls_due ON webhook_calls (next_attempt_at) WHERE state = 'waiting';
    CREATE INDEX webhook_calls_in_order ON webhook_calls (webhook_id, message_id, id) WHERE state = 'waiting';
    CREATE INDEX webhook_calls_by_age ON webhook_calls (settled_at) WHERE state <> 'waiting';
    GRANT SELECT, INSERT, UPDATE ON webhooks TO sealpost_gateway;
    GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_secrets TO sealpost_gateway;
    GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_calls TO sealpost_gateway;

    CREATE FUNCTION tell_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
      DECLARE
        application text;
        made bigint;
      BEGIN
        SELECT application_id INTO application FROM messages WHERE id = NEW.message_id;
        INSERT INTO updates (application_id, message_id, delivery_id, type, outcome)
          VALUES (application, NEW.message_id, NEW.id,
                  'delivery.' || CASE WHEN NEW.state <> 'queued' THEN NEW.state
                                      WHEN OLD.state = 'quarantined' THEN 'released' ELSE 'deferred' END,
                  NEW.outcome)
          RETURNING id INTO made;
        INSERT INTO webhook_calls (webhook_id, update_id, message_id)
          SELECT id, made, NEW.message_id FROM webhooks
           WHERE application_id = application AND removed_at IS NULL AND disabled_at IS NULL;
        RETURN NULL;
      END $$;
    CREATE TRIGGER deliveries_tell AFTER UPDATE ON deliveries FOR EACH ROW
      WHEN (NEW.state <> 'sending' AND (OLD.state <> NEW.state OR OLD.attempts <> NEW.attempts))
      EXECUTE FUNCTION tell_update();
  `)
}
