import type { Knex } from 'knex'
import type { TlsEvidence } from '../audit/index.ts'
import type { Address, DeliveryId, MessageId, RecipientCode, RecipientId } from '../kernel/index.ts'
import { deliverQueue } from '../platform/index.ts'
import { asDestinationRule, type DestinationRule } from './destination.ts'
import type { Outcome } from './outcome.ts'

type Handle = Knex | Knex.Transaction
type Format = 'seipdv1' | 'seipdv2'
export type DeliveryState = 'queued' | 'sending' | 'quarantined' | 'delivered' | 'failed'

export interface DestinationEntry {
  readonly domain: string
  readonly rule: DestinationRule
}

/** Throws `config_invalid` when what is stored is not a rule. */
export async function findDestination(knex: Handle, domain: string): Promise<DestinationRule | undefined> {
  const row = await knex('destinations').where({ domain }).first<{ rule: unknown } | undefined>('rule')
  return row === undefined ? undefined : asDestinationRule(row.rule)
}

export async function findDestinations(
  knex: Handle,
  domains?: readonly string[],
): Promise<DestinationEntry[]> {
  const query = knex('destinations').orderBy('domain')
  if (domains !== undefined) query.whereRaw('domain = ANY(?)', [[...domains]])
  const rows = await query.select<{ domain: string; rule: unknown }[]>('domain', 'rule')
  return rows.map(({ domain, rule }) => ({ domain, rule: asDestinationRule(rule) }))
}

export interface DeliveryRow {
  id: DeliveryId
  message_id: MessageId
  position: number
  recipient_id: RecipientId
  address: Address
  certificate: string
  encryption_subkey: string
  format: Format
  outer_date: string
  outer_message_id: string
  ciphertext: Uint8Array
  ciphertext_sha256: string
  ciphertext_bytes: number
  state: DeliveryState
  accepted_at: Date
  next_attempt_at: Date
  give_up_at: Date
}

export async function insertDeliveries(trx: Knex.Transaction, rows: readonly DeliveryRow[]): Promise<void> {
  await trx('deliveries').insert([...rows])
}

export interface AttemptRow {
  delivery_id: DeliveryId
  number: number
  started_at: Date
  finished_at: Date
  outcome: Outcome
  host: string | null
  address: string | null
  port: number | null
  tls: TlsEvidence | null
  reply_code: number | null
  reply: string | null
}

/** A delivery that is not settled, with all that sending it takes but the ciphertext. */
export interface PendingDelivery {
  readonly id: DeliveryId
  readonly message: MessageId
  readonly recipient: RecipientId
  readonly from: Address
  readonly address: Address
  readonly certificate: string
  readonly encryptionSubkey: string
  readonly format: Format
  readonly date: string
  readonly messageId: string
  readonly bytes: number
  /** How many attempts were begun so far: the fencing token. */
  readonly attempts: number
  /** Attempts in a row that were begun and ended by breaking something, or not at all; see `quarantine/`. */
  readonly strikes: number
  readonly giveUpAt: Date
  /** What the application said; never before `giveUpAt`. From then on no attempt is begun. */
  readonly expiresAt: Date | null
}

/** Whether nothing of a delivery may be sent any more. */
export function isExpired({ expiresAt }: Pick<PendingDelivery, 'expiresAt'>, at: Date): boolean {
  return expiresAt !== null && expiresAt <= at
}

/** A delivery's job of the queue as it was fetched. */
export interface FetchedJob {
  readonly id: string
  readonly retryCount: number
  readonly delivery: DeliveryId
}

/**
 * The unsettled deliveries of those jobs that are still as they were fetched. One statement reads job and fence, so that a
 * courier which was paused since its fetch is never given the fence of the one that has the job now.
 */
export async function findPending(knex: Handle, jobs: readonly FetchedJob[]): Promise<PendingDelivery[]> {
  const { rows } = await knex.raw<{ rows: PendingDelivery[] }>(
    `SELECT d.id, d.message_id AS message, d.recipient_id AS recipient, m.sender AS "from", d.address, d.certificate,
            d.encryption_subkey AS "encryptionSubkey", d.format, d.outer_date AS date,
            d.outer_message_id AS "messageId", d.ciphertext_bytes AS bytes, d.attempts, d.strikes, d.give_up_at AS "giveUpAt",
            m.expires_at AS "expiresAt"
       FROM unnest(?::uuid[], ?::int[], ?::text[]) AS mine (job, retry_count, delivery)
       JOIN pgboss.job j ON j.name = ? AND j.id = mine.job AND j.state = 'active' AND j.retry_count = mine.retry_count
       JOIN deliveries d ON d.id = mine.delivery AND d.state IN ('queued', 'sending')
       JOIN messages m ON m.id = d.message_id`,
    [
      jobs.map(({ id }) => id),
      jobs.map(({ retryCount }) => retryCount),
      jobs.map(({ delivery }) => delivery),
      deliverQueue,
    ],
  )
  return rows
}

/**
 * Begins the next attempt of each delivery whose count of attempts is still the one given; gives the ciphertexts of
 * those. Somebody else's delivery is not among them. Until it is settled, each counts as one that broke off.
 */
export async function beginAttempts(
  knex: Handle,
  deliveries: readonly Pick<PendingDelivery, 'id' | 'attempts'>[],
): Promise<ReadonlyMap<DeliveryId, Buffer>> {
  const { rows } = await knex.raw<{ rows: { id: DeliveryId; ciphertext: Buffer }[] }>(
    `UPDATE deliveries d SET state = 'sending', attempts = d.attempts + 1, strikes = d.strikes + 1, next_attempt_at = NULL
       FROM unnest(?::text[], ?::int[]) AS mine (id, attempts)
      WHERE d.id = mine.id AND d.attempts = mine.attempts AND d.state IN ('queued', 'sending')
      RETURNING d.id, d.ciphertext`,
    [deliveries.map(({ id }) => id), deliveries.map(({ attempts }) => attempts)],
  )
  return new Map(rows.map(({ id, ciphertext }) => [id, ciphertext]))
}

/** What a finished attempt makes of its delivery. */
export interface Settlement {
  readonly id: DeliveryId
  /** Whether an attempt was begun that this is the result of. */
  readonly begun: boolean
  /** The count of attempts that the delivery must still have. */
  readonly fence: number
  readonly attempts: number
  readonly state: 'queued' | 'quarantined' | 'delivered' | 'failed'
  readonly outcome: Outcome
  readonly strikes: number
  /** Null but when queued. */
  readonly nextAttemptAt: Date | null
  readonly at: Date
}

/**
 * Writes the settlements whose fence holds and gives their ids. The ciphertext goes with the end of the delivery. The
 * order of the ids is that of the locks.
 */
export async function settleDeliveries(
  trx: Knex.Transaction,
  settlements: readonly Settlement[],
): Promise<ReadonlySet<DeliveryId>> {
  const { rows } = await trx.raw<{ rows: { id: DeliveryId }[] }>(
    `UPDATE deliveries d
        SET state = s.state, outcome = s.outcome, attempts = s.attempts, strikes = s.strikes,
            next_attempt_at = s.next_attempt_at,
            settled_at = CASE WHEN s.state IN ('delivered', 'failed') THEN s.at END,
            quarantined_at = CASE WHEN s.state = 'quarantined' THEN s.at END,
            ciphertext = CASE WHEN s.state IN ('queued', 'quarantined') THEN d.ciphertext END
       FROM unnest(?::text[], ?::bool[], ?::int[], ?::int[], ?::int[], ?::text[], ?::text[], ?::timestamptz[], ?::timestamptz[])
            AS s (id, begun, fence, attempts, strikes, state, outcome, next_attempt_at, at)
      WHERE d.id = s.id AND d.attempts = s.fence AND (d.state = 'sending' OR (d.state = 'queued' AND NOT s.begun))
      RETURNING d.id`,
    [
      settlements.map(({ id }) => id),
      settlements.map(({ begun }) => begun),
      settlements.map(({ fence }) => fence),
      settlements.map(({ attempts }) => attempts),
      settlements.map(({ strikes }) => strikes),
      settlements.map(({ state }) => state),
      settlements.map(({ outcome }) => outcome),
      // knex's types know no array with nulls.
      settlements.map(({ nextAttemptAt }) => nextAttemptAt) as Date[],
      settlements.map(({ at }) => at),
    ],
  )
  return new Set(rows.map(({ id }) => id))
}

/** Records attempts and gives the deliveries of those that were new: a commit of unknown result is tried again. */
export async function insertAttempts(
  trx: Knex.Transaction,
  rows: readonly AttemptRow[],
): Promise<ReadonlySet<DeliveryId>> {
  if (rows.length === 0) return new Set()
  const inserted = await trx('attempts')
    .insert(rows.map(row => ({ ...row, tls: row.tls === null ? null : JSON.stringify(row.tls) })))
    .onConflict(['delivery_id', 'number'])
    .ignore()
    .returning<{ delivery_id: DeliveryId }[]>('delivery_id')
  return new Set(inserted.map(row => row.delivery_id))
}

/** Whose waiting deliveries are meant, queued or in quarantine: of a primary key or one of its subkeys, by full fingerprints, or of a recipient. */
export type Waiting =
  | { readonly certificate: string; readonly encryptionSubkey?: string }
  | { readonly recipient: RecipientId }

/** A condition on deliveries `d`. Both go by the index on certificates. */
function waiting(which: Waiting): { readonly sql: string; readonly bindings: readonly string[] } {
  if ('recipient' in which)
    return {
      sql: `d.state IN ('queued', 'quarantined') AND d.certificate IN (SELECT fingerprint FROM certificates WHERE recipient_id = ?)`,
      bindings: [which.recipient],
    }
  const { certificate, encryptionSubkey } = which
  const waits = `d.state IN ('queued', 'quarantined') AND d.certificate = ?`
  return encryptionSubkey === undefined
    ? { sql: waits, bindings: [certificate] }
    : { sql: `${waits} AND d.encryption_subkey = ?`, bindings: [certificate, encryptionSubkey] }
}

/** Ends at most `limit` waiting deliveries as failed; those that somebody has locked are passed over. */
export async function failWaiting(
  trx: Knex.Transaction,
  which: Waiting,
  outcome: RecipientCode,
  at: Date,
  limit: number,
): Promise<{ id: DeliveryId; attempts: number }[]> {
  const { sql, bindings } = waiting(which)
  const { rows } = await trx.raw<{ rows: { id: DeliveryId; attempts: number }[] }>(
    `UPDATE deliveries SET state = 'failed', outcome = ?, settled_at = ?, next_attempt_at = NULL, quarantined_at = NULL,
            ciphertext = NULL
      WHERE id IN (SELECT d.id FROM deliveries d WHERE ${sql} LIMIT ? FOR NO KEY UPDATE SKIP LOCKED)
      RETURNING id, attempts`,
    [outcome, at, ...bindings, limit],
  )
  return rows
}

/** How many still wait; when there are some, after a pause. */
export async function countWaiting(trx: Knex.Transaction, which: Waiting, pauseMs: number): Promise<number> {
  const { sql, bindings } = waiting(which)
  const { rows } = await trx.raw<{ rows: { count: number }[] }>(
    `SELECT count(*)::int AS count FROM deliveries d WHERE ${sql}`,
    [...bindings],
  )
  const count = rows[0]?.count ?? 0
  if (count > 0) await trx.raw(`SELECT pg_sleep(?)`, [pauseMs / 1000])
  return count
}
