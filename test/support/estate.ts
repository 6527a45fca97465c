import type { Knex } from 'knex'
import type { Address } from '../../src/kernel/index.ts'

/** The address of the `i`-th recipient that {@link fillEstate} made. */
export function estateAddress(i: number): Address {
  return `person${i}@org${i % 1000}.test` as Address
}

/** The time from which nothing of the estate ends within a month. */
const farEnd = `timestamptz '2099-01-01'`

/**
 * `count` recipients of 1,000 organisations as the years leave them: most are active with a certificate of 1 kB, a tenth are
 * invited, some suspended or gone; each active one has a former certificate, proposals and attestations, and one in a
 * hundred is refused by the policy in force. As the database's owner, in one go.
 */
export async function fillEstate(owner: Knex, count: number): Promise<void> {
  await owner.raw(`
    CREATE TEMP TABLE estate AS SELECT i, 'rcp_' || lpad(i::text, 26, '0') AS id,
        CASE WHEN i % 10 = 3 THEN 'invited' WHEN i % 50 = 7 THEN 'suspended' WHEN i % 50 = 9 THEN 'unenrolled'
             ELSE 'active' END AS state
      FROM generate_series(1, ${Math.trunc(count)}) i;
    INSERT INTO recipients (id, address, kind, organisation, state, created_at, phone, retention_days, attested_until, suspended_for)
      SELECT id, 'person' || i || '@org' || i % 1000 || '.test', (ARRAY['employee', 'supplier', 'customer'])[1 + i % 3],
             'Organisation ' || i % 1000, state, now(), '+31201234567', 90,
             CASE WHEN state = 'invited' THEN NULL WHEN i % 500 = 1 THEN now() + interval '10 days' ELSE ${farEnd} END,
             CASE WHEN state = 'suspended' THEN 'operator' END
        FROM estate;
    INSERT INTO attestations SELECT 'att_' || i || k, id, k, 'A-' || i, ${farEnd}, NULL, now()
      FROM estate, unnest(ARRAY['aoc', 'contract', 'retention']) k;
    INSERT INTO proposals (id, recipient_id, fingerprint, bytes, encryption_subkey, algorithm, format, rsa_moduli, source,
                           state, proposed_at, nonce_sha256)
      SELECT 'prp_' || lpad(i::text, 26, '0'), id, 'A' || upper(lpad(to_hex(i), 39, '0')), '', 'B' || upper(lpad(to_hex(i), 39, '0')),
             'ecdh-curve25519', 'seipdv2', '{}', 'upload', 'proposed', now(), sha256(id::bytea)
        FROM estate WHERE state = 'invited' OR i % 20 = 1;
    INSERT INTO certificates (fingerprint, recipient_id, bytes, encryption_subkey, algorithm, format, state, accepted_at,
                              expires_at, retired_at, finish_until)
      SELECT former || upper(lpad(to_hex(i), 39, '0')), id, decode(repeat(md5(id || former), 32), 'hex'),
             'C' || upper(lpad(to_hex(i), 39, '0')), 'ecdh-curve25519', 'seipdv2',
             CASE WHEN former = 'F' OR state = 'unenrolled' THEN 'retired' ELSE 'active' END, now(),
             CASE WHEN i % 500 = 2 THEN now() + interval '10 days' ELSE ${farEnd} END,
             CASE WHEN former = 'F' THEN now() END, CASE WHEN former = 'F' THEN now() END
        FROM estate, unnest(ARRAY['F', 'E']) former WHERE state <> 'invited';
    INSERT INTO policy_records (id, policy, sha256, effective_at, expires_at, approved_at)
      SELECT 'pol_' || n, 'standard', repeat('0', 64), now() - n * interval '100 days', ${farEnd}, now()
        FROM generate_series(1, 5) n;
    INSERT INTO policy_refusals (record_id, fingerprint, encryption_subkey, reasons, from_at)
      SELECT 'pol_1', fingerprint, encryption_subkey, '{rsa_too_small}', now() - interval '1 day' FROM certificates
      WHERE right(fingerprint, 2) = '64';
    DROP TABLE estate`)
  for (const table of [
    'recipients',
    'attestations',
    'proposals',
    'certificates',
    'policy_records',
    'policy_refusals',
  ])
    await owner.raw(`VACUUM ANALYZE ${table}`)
}
