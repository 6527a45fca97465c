import type { Knex } from 'knex'
import type { Address, ChangeRequestId, PolicyRecordId } from '../kernel/index.ts'

/** A version of keys-policy that two people put in force, from a time until another. */
export interface PolicyRecord {
  readonly id: PolicyRecordId
  /** The name of its file. */
  readonly policy: string
  /** Of the file as it was approved, lower-case hex. */
  readonly sha256: string
  readonly effectiveAt: Date
  readonly expiresAt: Date
  readonly changeRequest: ChangeRequestId | null
  readonly approvedAt: Date
}

const columns = {
  id: 'id',
  policy: 'policy',
  sha256: 'sha256',
  effectiveAt: 'effective_at',
  expiresAt: 'expires_at',
  changeRequest: 'change_request',
  approvedAt: 'approved_at',
}

/** The record that took effect last, whether it still holds or not. */
export async function findLatest(knex: Knex | Knex.Transaction, at: Date): Promise<PolicyRecord | undefined> {
  return knex('policy_records')
    .where('effective_at', '<=', at)
    .orderBy([
      { column: 'effective_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .first<PolicyRecord | undefined>(columns)
}

/** What takes effect after `at`, soonest first. */
export async function findScheduled(
  knex: Knex | Knex.Transaction,
  at: Date,
): Promise<readonly PolicyRecord[]> {
  return knex('policy_records')
    .where('effective_at', '>', at)
    .orderBy(['effective_at', 'id'])
    .select<PolicyRecord[]>(columns)
}

/** Newest first. */
export async function findRecords(knex: Knex, limit: number): Promise<readonly PolicyRecord[]> {
  return knex('policy_records')
    .orderBy([
      { column: 'effective_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit)
    .select<PolicyRecord[]>(columns)
}

/**
 * Until this transaction ends, nobody adopts a policy: an adoption under way is over when this resolves, and the next one
 * waits. Its counterpart is the trigger of the table, in `migrations/0005-void-changes.ts`.
 */
export async function holdPolicies(trx: Knex.Transaction): Promise<void> {
  await trx.raw('SELECT pg_advisory_xact_lock_shared(5328392)')
}

export async function insertRecord(trx: Knex.Transaction, record: PolicyRecord): Promise<void> {
  await trx('policy_records').insert({
    id: record.id,
    policy: record.policy,
    sha256: record.sha256,
    effective_at: record.effectiveAt,
    expires_at: record.expiresAt,
    change_request: record.changeRequest,
    approved_at: record.approvedAt,
  })
}

export interface StoredRefusal {
  readonly fingerprint: string
  /** Absent in what was asked before a primary key could have several: then it is the first. */
  readonly encryptionSubkey?: string | undefined
  readonly reasons: readonly string[]
  readonly from: Date
}

/** Adds refusals; one that is there already stays as it is. Gives the fingerprints of those that were new. */
export async function insertRefusals(
  trx: Knex.Transaction,
  record: PolicyRecordId,
  refusals: readonly StoredRefusal[],
): Promise<readonly string[]> {
  if (refusals.length === 0) return []
  const { rows } = await trx.raw<{ rows: { fingerprint: string }[] }>(
    `INSERT INTO policy_refusals (record_id, fingerprint, encryption_subkey, reasons, from_at)
     SELECT ?, c.fingerprint, c.encryption_subkey, f.reasons, f.from_at
       FROM jsonb_to_recordset(?::jsonb)
            AS f (fingerprint text, encryption_subkey text, reasons text[], from_at timestamptz)
       JOIN certificates c ON c.fingerprint = f.fingerprint
            AND (c.encryption_subkey = f.encryption_subkey OR f.encryption_subkey IS NULL AND c.follows IS NULL)
     ON CONFLICT DO NOTHING
     RETURNING fingerprint`,
    [
      record,
      JSON.stringify(
        refusals.map(({ fingerprint, encryptionSubkey, reasons, from }) => ({
          fingerprint,
          encryption_subkey: encryptionSubkey ?? null,
          reasons,
          from_at: from,
        })),
      ),
    ],
  )
  return rows.map(row => row.fingerprint)
}

/** A certificate that messages are encrypted to, or still sent for. */
export interface CertificateInUse {
  readonly fingerprint: string
  readonly encryptionSubkey: string
  readonly bytes: Uint8Array
  readonly address: Address
}

/** The next page of certificates in use, in the order of their names. */
export async function findInUse(
  knex: Knex,
  at: Date,
  after: Pick<CertificateInUse, 'fingerprint' | 'encryptionSubkey'>,
  limit: number,
): Promise<readonly CertificateInUse[]> {
  const { rows } = await knex.raw<{ rows: CertificateInUse[] }>(
    `SELECT c.fingerprint, c.encryption_subkey AS "encryptionSubkey", c.bytes, r.address
       FROM certificates c JOIN recipients r ON r.id = c.recipient_id
      WHERE (c.fingerprint, c.encryption_subkey) > (?, ?)
        AND (c.state = 'active' OR c.state = 'retired' AND c.finish_until > ?)
      ORDER BY c.fingerprint, c.encryption_subkey LIMIT ?`,
    [after.fingerprint, after.encryptionSubkey, at, limit],
  )
  return rows
}
