import type { Knex } from 'knex'

/**
 * A row of `certificates` is an encryption subkey under a primary key, so that its owner can have a new one without a new
 * key. A primary key still belongs to one recipient, and one that was revoked never gets another row; the trigger and
 * the index on first rows see to that whoever inserts, two at once included.
 *
 * Locks: on `deliveries` one foreign key makes way for another, which is checked for new rows only, so that nothing is read
 * while the table is locked; `migrate` checks the old rows afterwards, beside everything else that goes on. What is
 * read and written here, `certificates` and `policy_refusals`, has a row per key.
 *
 * Old code on this schema accepts, sends, retires and revokes as before: of a fingerprint with several rows it stops
 * and refuses all of them where this release tells them apart. It activates no certificate and records no refusal of a
 * policy; those transactions fail as a whole.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE UNIQUE INDEX certificates_key ON certificates (fingerprint, encryption_subkey);
    -- The subkey that was enrolled before this one under the same primary key; null: this one is the first.
    ALTER TABLE certificates ADD COLUMN follows text;
    CREATE UNIQUE INDEX certificates_first ON certificates (fingerprint) WHERE follows IS NULL;

    ALTER TABLE policy_refusals
      DROP CONSTRAINT policy_refusals_fingerprint_fkey,
      DROP CONSTRAINT policy_refusals_pkey,
      ADD COLUMN encryption_subkey text;
    UPDATE policy_refusals f SET encryption_subkey = c.encryption_subkey
      FROM certificates c WHERE c.fingerprint = f.fingerprint;
    ALTER TABLE policy_refusals
      ALTER COLUMN encryption_subkey SET NOT NULL,
      ADD PRIMARY KEY (fingerprint, encryption_subkey, record_id);

    -- From here on deliveries wait.
    ALTER TABLE deliveries DROP CONSTRAINT deliveries_certificate_fkey;
    ALTER TABLE certificates
      DROP CONSTRAINT certificates_pkey,
      ADD CONSTRAINT certificates_pkey PRIMARY KEY USING INDEX certificates_key,
      ADD FOREIGN KEY (fingerprint, follows) REFERENCES certificates (fingerprint, encryption_subkey);
    ALTER TABLE policy_refusals
      ADD FOREIGN KEY (fingerprint, encryption_subkey) REFERENCES certificates (fingerprint, encryption_subkey);
    ALTER TABLE deliveries ADD CONSTRAINT deliveries_certificate_fkey
      FOREIGN KEY (certificate, encryption_subkey) REFERENCES certificates (fingerprint, encryption_subkey) NOT VALID;

    CREATE OR REPLACE FUNCTION certificate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' AND OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN
        (('active', 'retired'), ('active', 'revoked'), ('retired', 'revoked')) THEN
        RAISE EXCEPTION 'a certificate never comes back' USING ERRCODE = 'check_violation';
      END IF;
      IF TG_OP = 'INSERT' THEN
        NEW.follows := NULL;
      END IF;
      -- Of two that bring in a key at once, both find nothing here; certificates_first lets one through.
      IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM certificates WHERE fingerprint = NEW.fingerprint) THEN
        -- Who revokes locks the first row, too, and before every other one, so that nobody waits for each other.
        PERFORM FROM certificates WHERE fingerprint = NEW.fingerprint AND follows IS NULL FOR NO KEY UPDATE;
        IF EXISTS (SELECT FROM certificates WHERE fingerprint = NEW.fingerprint
                    AND (recipient_id <> NEW.recipient_id OR state = 'revoked')) THEN
          RAISE EXCEPTION 'this primary key is somebody else''s, or was revoked'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'certificates_primary_key';
        END IF;
        NEW.follows := (SELECT encryption_subkey FROM certificates WHERE fingerprint = NEW.fingerprint
                         ORDER BY accepted_at DESC, encryption_subkey LIMIT 1);
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
  `)
}
