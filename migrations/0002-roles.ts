import type { Knex } from 'knex'

/**
 * Who may do what (`deploy/postgres/roles.sql` makes the roles). The gateway appends and reads; of what exists it
 * changes only the columns named here. Audit events are append-only for everybody, their owner included.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;

    GRANT SELECT ON applications, destinations, signing_keys, recipients, certificates TO sealpost_gateway;
    GRANT UPDATE (state) ON recipients TO sealpost_gateway;
    GRANT UPDATE (state, revoked_at) ON certificates TO sealpost_gateway;
    GRANT SELECT, INSERT ON messages, deliveries, attempts, audit_events TO sealpost_gateway;
    GRANT UPDATE (ciphertext, state, outcome, attempts, next_attempt_at, settled_at) ON deliveries TO sealpost_gateway;
    GRANT SELECT ON knex_migrations TO sealpost_gateway;

    GRANT SELECT ON audit_events, messages, attempts, recipients, certificates, destinations TO sealpost_auditor;
    GRANT SELECT (id, name, san, senders, created_at, revoked_at) ON applications TO sealpost_auditor;
    GRANT SELECT (
      id, message_id, position, recipient_id, address, certificate, encryption_subkey, format, outer_date,
      outer_message_id, ciphertext_sha256, ciphertext_bytes, state, outcome, attempts, accepted_at, next_attempt_at,
      give_up_at, settled_at
    ) ON deliveries TO sealpost_auditor;

    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = 'insufficient_privilege';
    END
    $$;
    CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only;
  `)
}
