import type { Knex } from 'knex'

/**
 * A change request that cannot be applied any more ends as `void`: its proposal was dropped, its recipient unenrolled. It has
 * the time of its end, and nobody decided it. The guard of 0003 holds for it as it is: what was decided, or is void, stays so.
 *
 * Whoever adopts a crypto policy takes a lock that whoever activates a certificate takes shared: an activation sees either
 * all of an adoption, or is over before it.
 *
 * Old code on this schema leaves the request of a dropped proposal pending, as it did; it cannot be approved, and expires.
 * Old code locks the request before its recipient and new code the other way round: where the two meet, PostgreSQL may end
 * one of them as a deadlock, and then nothing of it happened.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE change_requests
      DROP CONSTRAINT change_requests_state_check,
      ADD CONSTRAINT change_requests_state_check
        CHECK (state IN ('pending', 'approved', 'rejected', 'withdrawn', 'expired', 'void')),
      ADD CONSTRAINT change_requests_void_check CHECK (state <> 'void' OR decided_by IS NULL);

    CREATE FUNCTION policy_record_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock(5328392);
      RETURN NULL;
    END
    $$;
    CREATE TRIGGER policy_records_guard BEFORE INSERT ON policy_records
      FOR EACH STATEMENT EXECUTE FUNCTION policy_record_guard();
  `)
}
