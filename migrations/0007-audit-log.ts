import type { Knex } from 'knex'

/**
 * The Merkle log over the audit events (RFC 6962, C2SP tlog-tiles), its key, where its checkpoints were anchored, and what
 * auditors search by. Old code on this schema goes on: it appends events as before, and a replica with this version takes
 * them into the log.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The transaction that appended an event. Once nothing older than a transaction is under way, what it and all older ones
    -- appended is complete: so the log takes events in the order (xact, seq) and never misses one, without a lock.
    -- Events of before this migration count as the oldest of all.
    ALTER TABLE audit_events ADD COLUMN xact xid8 NOT NULL DEFAULT '0';
    ALTER TABLE audit_events ALTER COLUMN xact SET DEFAULT pg_current_xact_id();
    CREATE INDEX audit_events_by_xact ON audit_events (xact, seq);
    -- The events of a day. A summary for each 32 pages, made behind the writer's back: appending costs the same as without.
    CREATE INDEX audit_events_by_time ON audit_events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
    CREATE INDEX audit_events_of_alarms ON audit_events (seq) WHERE type IN ('alarm.raised', 'alarm.cleared');

    -- What the evidence of a message rests on beside what became of it, by whom or what it is about. Few events are of these
    -- types, whatever the load, and an archive leaves them here: what is sent today rests on an enrolment of years ago.
    CREATE INDEX audit_events_of_subjects ON audit_events ((coalesce(body::jsonb ->> 'recipient', body::jsonb ->> 'subject',
        body::jsonb ->> 'operator', body::jsonb ->> 'record', body::jsonb ->> 'application')))
      WHERE type IN (
        'application.added', 'attestation.recorded', 'certificate.activated', 'certificate.proposed',
        'certificate.retired', 'certificate.revoked', 'change.approved', 'change.asked', 'change.expired',
        'change.refused', 'change.rejected', 'change.voided', 'change.withdrawn', 'fingerprint.verified',
        'operator.added', 'operator.revoked', 'policy.adopted', 'possession.challenged', 'possession.proved',
        'possession.refused', 'proposal.approved', 'recipient.activated', 'recipient.invited',
        'recipient.reinstated', 'recipient.suspended', 'recipient.unenrolled');

    -- Which event is which leaf.
    CREATE TABLE audit_leaves (
      leaf bigint PRIMARY KEY CHECK (leaf >= 0),
      seq bigint NOT NULL UNIQUE
    );

    -- Full tiles only: 256 hashes of height 8 (tlog-tiles); what is right of them is computed from the leaves.
    CREATE TABLE audit_tiles (
      level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
      index bigint NOT NULL CHECK (index >= 0),
      hashes bytea NOT NULL CHECK (length(hashes) = 8192),
      -- Of the tile: one of the 256 hashes of a tile one level above.
      root bytea NOT NULL CHECK (length(root) = 32),
      PRIMARY KEY (level, index)
    );
    ALTER TABLE audit_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

    -- The key that signs checkpoints (Ed25519), wrapped like the signing key. Its name is the log's origin.
    CREATE TABLE log_keys (
      verifier text PRIMARY KEY,
      origin text NOT NULL,
      nonce bytea NOT NULL,
      sealed bytea NOT NULL,
      created_at timestamptz NOT NULL,
      retired_at timestamptz
    );
    CREATE UNIQUE INDEX log_keys_one_current ON log_keys ((retired_at IS NULL)) WHERE retired_at IS NULL;

    -- Every tree head that was ever signed. xact, seq: what stands before this place in audit_events, in the order
    -- (xact, seq), is in the tree, that place included.
    CREATE TABLE audit_checkpoints (
      size bigint PRIMARY KEY CHECK (size > 0),
      root bytea NOT NULL CHECK (length(root) = 32),
      note text NOT NULL,
      xact xid8 NOT NULL,
      seq bigint NOT NULL DEFAULT 0,
      at timestamptz NOT NULL
    );

    -- Where a checkpoint is known outside: one line for each that an anchor took. receipt: what it answered, if anything
    -- (a cosignature line of a witness).
    CREATE TABLE audit_anchors (
      anchor text NOT NULL,
      size bigint NOT NULL REFERENCES audit_checkpoints (size),
      receipt text CHECK (length(receipt) <= 1024),
      at timestamptz NOT NULL,
      PRIMARY KEY (anchor, size)
    );

    -- How each anchor among the settings is, for whoever asks: it is no proof of anything. tried_at, failures: when it is due again.
    CREATE TABLE audit_anchor_states (
      anchor text PRIMARY KEY,
      state text NOT NULL CHECK (state IN ('well', 'failing', 'ahead')),
      since timestamptz NOT NULL,
      reason text,
      tried_at timestamptz NOT NULL,
      failures integer NOT NULL
    );

    -- How the stream of events to a SIEM is, shared by the replicas that take turns; it is no proof of anything. started: whether
    -- it took anything yet. tried_at, failures: when it is due again. told: whether the log says that it is failing; told_at:
    -- when the log said so last.
    CREATE TABLE audit_stream_states (
      receiver text PRIMARY KEY,
      started boolean NOT NULL,
      tried_at timestamptz NOT NULL,
      failures integer NOT NULL CHECK (failures >= 0),
      told boolean NOT NULL,
      told_at timestamptz
    );

    -- How far something that follows the log has come: the next leaf that it has not seen.
    CREATE TABLE audit_followers (
      name text PRIMARY KEY,
      next_leaf bigint NOT NULL CHECK (next_leaf >= 0),
      updated_at timestamptz NOT NULL
    );

    -- Which leaves are about what, for searching: one line for each subject in each block of 512 leaves. leaves: their
    -- places in the block, two octets each, or one bit each in 64 octets. source: the block that it was learnt from; how a
    -- delivery ended stands at the leaf where its message was accepted. Made from the log by a follower; it can be thrown
    -- away and made again. "C": ids in order of time, so that the index grows at its end.
    CREATE TABLE audit_subjects (
      subject text COLLATE "C" NOT NULL,
      block int NOT NULL CHECK (block >= 0),
      source int NOT NULL CHECK (source >= block),
      leaves bytea NOT NULL CHECK (length(leaves) BETWEEN 2 AND 64),
      PRIMARY KEY (subject, block, source)
    );

    -- The blocks that are in it, with the times of their events.
    CREATE TABLE audit_blocks (
      block int PRIMARY KEY CHECK (block >= 0),
      first_at timestamptz,
      last_at timestamptz
    );

    -- Leaves whose events have left the database for an archive that was verified.
    CREATE TABLE audit_archives (
      first bigint PRIMARY KEY CHECK (first >= 0),
      next bigint NOT NULL CHECK (next > first),
      sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
      at timestamptz NOT NULL
    );

    -- The reports of days (PCI DSS 10.4.1), each made once over all replicas. size: how far the log had come; what came later
    -- with a time of before stands in the next report. checkpoint: the size of the one that the mail told of.
    CREATE TABLE audit_reviews (
      day date PRIMARY KEY,
      at timestamptz NOT NULL,
      size bigint NOT NULL CHECK (size >= 0),
      checkpoint bigint REFERENCES audit_checkpoints (size),
      facts text NOT NULL,
      report text NOT NULL,
      sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
      notices text[] NOT NULL
    );
    GRANT SELECT, INSERT ON audit_reviews TO sealpost_gateway;
    GRANT SELECT ON audit_reviews TO sealpost_auditor;

    DO $$
    DECLARE name text;
    BEGIN
      FOREACH name IN ARRAY ARRAY['audit_leaves', 'audit_tiles', 'audit_checkpoints', 'audit_anchors', 'audit_archives', 'audit_reviews'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
          FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', name, name || '_append_only');
      END LOOP;
    END
    $$;

    -- An archive counts from the transaction on that appended its event: of whole tiles, after the last archive, under a
    -- checkpoint, and of nothing that is younger than three months. Names are qualified, so that no temporary table poses as ours.
    CREATE FUNCTION check_archive() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      IF NEW.next % 256 <> 0
        OR NEW.first <> coalesce((SELECT max(next) FROM public.audit_archives), 0)
        OR NOT EXISTS (SELECT FROM public.audit_checkpoints WHERE size >= NEW.next)
        OR NOT EXISTS (
          SELECT FROM public.audit_events WHERE xact = pg_current_xact_id() AND type = 'audit.archived' AND body::jsonb @>
            jsonb_build_object('type', type, 'first', NEW.first, 'next', NEW.next, 'sha256', NEW.sha256))
        OR EXISTS (
          SELECT FROM public.audit_leaves l JOIN public.audit_events e ON e.seq = l.seq
           WHERE l.leaf >= NEW.first AND l.leaf < NEW.next AND e.at > now() - interval '3 months')
      THEN
        RAISE EXCEPTION 'no archive' USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NEW;
    END
    $$;
    CREATE TRIGGER audit_archives_checked BEFORE INSERT ON audit_archives FOR EACH ROW EXECUTE FUNCTION check_archive();
    ALTER TABLE audit_archives ENABLE ALWAYS TRIGGER audit_archives_checked;

    -- Events stay as they are, and stay, but for those that an archive has and that are old enough. Leaves and tiles stay for good.
    DROP TRIGGER audit_events_append_only ON audit_events;
    CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR TRUNCATE ON audit_events
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only;
    CREATE FUNCTION refuse_unless_archived() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      IF EXISTS (
        SELECT FROM gone g WHERE g.at > now() - interval '3 months' OR NOT EXISTS (
          SELECT FROM public.audit_leaves l JOIN public.audit_archives a ON l.leaf >= a.first AND l.leaf < a.next
           WHERE l.seq = g.seq))
      THEN
        RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NULL;
    END
    $$;
    CREATE TRIGGER audit_events_archived AFTER DELETE ON audit_events REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_unless_archived();
    ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_archived;

    GRANT SELECT, INSERT ON audit_leaves, audit_tiles, audit_checkpoints, audit_anchors, log_keys TO sealpost_gateway;
    GRANT SELECT, INSERT, UPDATE, DELETE ON audit_anchor_states TO sealpost_gateway;
    GRANT SELECT ON audit_anchor_states TO sealpost_auditor;
    GRANT SELECT, INSERT, UPDATE, DELETE ON audit_stream_states TO sealpost_gateway;
    GRANT SELECT ON audit_stream_states TO sealpost_auditor;
    GRANT SELECT, INSERT, UPDATE (next_leaf, updated_at) ON audit_followers TO sealpost_gateway;
    GRANT SELECT, INSERT ON audit_subjects, audit_blocks TO sealpost_gateway;
    GRANT SELECT ON audit_archives TO sealpost_gateway;
    GRANT SELECT ON audit_leaves, audit_tiles, audit_checkpoints, audit_anchors, audit_followers, audit_archives,
      audit_subjects, audit_blocks TO sealpost_auditor;
    GRANT SELECT (verifier, origin, created_at, retired_at) ON log_keys TO sealpost_auditor;
  `)
}
