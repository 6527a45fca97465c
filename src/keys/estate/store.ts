import type { Knex } from 'knex'
import type { RecipientId } from '../../kernel/index.ts'
import type { CertificateName } from '../life/store.ts'
import type { Inventory, InventoryLine } from './inventory.ts'
import type { CertificateFilter, CertificateRecord } from './list.ts'

const columns = `c.fingerprint, c.recipient_id AS recipient, r.address, c.encryption_subkey AS "encryptionSubkey",
  c.algorithm, c.format, c.state, c.accepted_at AS "acceptedAt", c.expires_at AS "expiresAt",
  c.retired_at AS "retiredAt", c.finish_until AS "finishUntil", c.revoked_at AS "revokedAt",
  c.revoked_for AS "revokedFor", c.refreshed_at AS "refreshedAt", c.proposal_id AS proposal`

export async function findRecords(
  knex: Knex,
  { state, recipient, expiresBefore }: CertificateFilter,
  limit: number,
  after: CertificateName,
): Promise<readonly CertificateRecord[]> {
  const { rows } = await knex.raw<{ rows: CertificateRecord[] }>(
    `SELECT ${columns} FROM certificates c JOIN recipients r ON r.id = c.recipient_id
      WHERE (c.fingerprint, c.encryption_subkey) > (?, ?)
        ${state === undefined ? '' : 'AND c.state = ?'}
        ${recipient === undefined ? '' : 'AND c.recipient_id = ?'}
        ${expiresBefore === undefined ? '' : 'AND c.expires_at < ?'}
      ORDER BY c.fingerprint, c.encryption_subkey LIMIT ?`,
    [after.fingerprint, after.encryptionSubkey, state, recipient, expiresBefore, limit].filter(
      value => value !== undefined,
    ),
  )
  return rows
}

/** All of a primary key: the active one first, then the newest. */
export async function recordsOf(
  knex: Knex | Knex.Transaction,
  fingerprint: string,
): Promise<readonly CertificateRecord[]> {
  const { rows } = await knex.raw<{ rows: CertificateRecord[] }>(
    `SELECT ${columns} FROM certificates c JOIN recipients r ON r.id = c.recipient_id WHERE c.fingerprint = ?
      ORDER BY c.state = 'active' DESC, c.accepted_at DESC, c.encryption_subkey`,
    [fingerprint],
  )
  return rows
}

export async function countEstate(knex: Knex, at: Date): Promise<readonly InventoryLine[]> {
  const { rows } = await knex.raw<{ rows: InventoryLine[] }>(
    `SELECT algorithm, format, state, count(*)::int AS certificates,
            CASE WHEN expires_at IS NULL THEN 'never'
                 WHEN expires_at <= moment THEN 'expired'
                 WHEN expires_at <= moment + interval '30 days' THEN 'in_30_days'
                 WHEN expires_at <= moment + interval '90 days' THEN 'in_90_days'
                 WHEN expires_at <= moment + interval '365 days' THEN 'in_a_year'
                 ELSE 'later' END AS ending
       FROM certificates, CAST(? AS timestamptz) AS moment
      GROUP BY algorithm, format, state, ending
      ORDER BY algorithm, format, state, ending`,
    [at],
  )
  return rows
}

export async function findOwnKey(
  knex: Knex,
): Promise<Pick<NonNullable<Inventory['signingKey']>, 'fingerprint' | 'createdAt'> | undefined> {
  return knex('signing_keys')
    .whereNull('retired_at')
    .first<{ fingerprint: string; createdAt: Date } | undefined>('fingerprint', 'created_at as createdAt')
}

/** An RSA modulus of the house, and whether its key is the same recipient's. */
export interface KnownModulus {
  readonly modulus: bigint
  readonly own: boolean
}

/** All RSA moduli, in batches: of certificates in any state and of open proposals. */
export async function* knownModuli(
  knex: Knex,
  recipient: RecipientId,
): AsyncGenerator<readonly KnownModulus[]> {
  for (const { table, key, start, which } of modulusTables) {
    for (let after: readonly string[] = start; ; ) {
      const { rows } = await knex.raw<{ rows: { key: string[]; own: boolean; modulus: string }[] }>(
        `SELECT key, own, encode(modulus, 'hex') AS modulus
           FROM (SELECT ARRAY[${key}] AS key, recipient_id = ? AS own, rsa_moduli FROM ${table}
                  WHERE (${key}) > (${start.map(() => '?').join(', ')}) AND rsa_moduli <> '{}' ${which}
                  ORDER BY ${key} LIMIT 500) page, unnest(rsa_moduli) AS modulus
          ORDER BY key`,
        [recipient, ...after],
      )
      const last = rows.at(-1)
      if (last === undefined) break
      yield rows.map(({ own, modulus }) => ({ own, modulus: BigInt(`0x${modulus}`) }))
      after = last.key
    }
  }
}

const modulusTables = [
  { table: 'certificates', key: 'fingerprint, encryption_subkey', start: ['', ''], which: '' },
  { table: 'proposals', key: 'id', start: [''], which: `AND state NOT IN ('activated', 'dropped')` },
] as const
