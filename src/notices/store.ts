import type { Knex } from 'knex'
import type { Address, NoticeId, OperatorId, RecipientId } from '../kernel/index.ts'

type Handle = Knex | Knex.Transaction
type Format = 'seipdv1' | 'seipdv2'

interface Columns {
  readonly id: NoticeId
  readonly kind: string
  readonly recipient: RecipientId | null
  readonly operator: OperatorId | null
  readonly sender: Address
  readonly address: Address
  readonly date: string
  readonly messageId: string
}
interface Templated {
  readonly fields: unknown
  readonly ciphertext: null
  readonly format: null
  readonly encryptionSubkey: null
}
interface Sealed {
  readonly fields: null
  readonly ciphertext: Uint8Array
  readonly format: Format
  readonly encryptionSubkey: string
}

export type NewNoticeRow = Columns & (Templated | Sealed) & { readonly at: Date }

/** Times of sending are the database's, so that replicas with different clocks agree on what is due. */
export async function insertNotice(
  trx: Knex.Transaction,
  row: NewNoticeRow,
  giveUpMs: number,
): Promise<void> {
  await trx.raw(
    `INSERT INTO notices (id, kind, recipient_id, operator_id, sender, address, fields, ciphertext, format,
            encryption_subkey, outer_date, outer_message_id, created_at, state, next_attempt_at, give_up_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', now(), now() + ? * interval '1 millisecond')`,
    [
      row.id,
      row.kind,
      row.recipient,
      row.operator,
      row.sender,
      row.address,
      row.fields === null ? null : JSON.stringify(row.fields),
      row.ciphertext === null ? null : Buffer.from(row.ciphertext),
      row.format,
      row.encryptionSubkey,
      row.date,
      row.messageId,
      row.at,
      giveUpMs,
    ] as Knex.RawBinding[],
  )
}

/** A notice that one courier has for now. */
export type ClaimedRow = Columns &
  (Templated | Sealed) & {
    /** How often it was claimed: the fencing token. */
    readonly attempts: number
    /** Milliseconds until it is given up; may be past. */
    readonly giveUpMs: number
  }

/**
 * Takes at most `limit` due notices, none for the domains in `except`. Until `leaseMs` are over, or it is settled, nobody
 * else is given them; two that ask at once never get the same one.
 */
export async function claimDue(
  knex: Handle,
  limit: number,
  except: readonly string[],
  leaseMs: number,
): Promise<ClaimedRow[]> {
  const { rows } = await knex.raw<{ rows: ClaimedRow[] }>(
    `UPDATE notices n SET attempts = n.attempts + 1, next_attempt_at = now() + ? * interval '1 millisecond'
      WHERE n.id IN (
        SELECT id FROM notices
         WHERE state = 'queued' AND next_attempt_at <= now()
           AND lower(split_part(address, '@', 2)) <> ALL(?::text[])
         ORDER BY next_attempt_at LIMIT ? FOR UPDATE SKIP LOCKED)
      RETURNING n.id, n.kind, n.recipient_id AS recipient, n.operator_id AS operator, n.sender, n.address, n.fields,
        n.ciphertext, n.format, n.encryption_subkey AS "encryptionSubkey", n.outer_date AS date,
        n.outer_message_id AS "messageId", n.attempts,
        (extract(epoch FROM n.give_up_at - now()) * 1000)::float8 AS "giveUpMs"`,
    [leaseMs, [...except], limit],
  )
  return rows
}

/** Whether the notice is still this claim's; if so, the lease begins anew. */
export async function renewLease(
  knex: Handle,
  { id, attempts }: Pick<ClaimedRow, 'id' | 'attempts'>,
  leaseMs: number,
): Promise<boolean> {
  const { rows } = await knex.raw<{ rows: unknown[] }>(
    `UPDATE notices SET next_attempt_at = now() + ? * interval '1 millisecond'
      WHERE id = ? AND attempts = ? AND state = 'queued' RETURNING id`,
    [leaseMs, id, attempts],
  )
  return rows.length > 0
}

/** Puts back what was claimed and not tried, as if it had not been claimed. */
export async function releaseClaims(
  knex: Handle,
  claims: readonly Pick<ClaimedRow, 'id' | 'attempts'>[],
): Promise<void> {
  await knex.raw(
    `UPDATE notices n SET next_attempt_at = now(), attempts = n.attempts - 1 FROM unnest(?::text[], ?::int[]) AS mine (id, attempts)
      WHERE n.id = mine.id AND n.attempts = mine.attempts AND n.state = 'queued'`,
    [claims.map(({ id }) => id), claims.map(({ attempts }) => attempts)],
  )
}

/** Where a notice stands, locked until the end of the transaction. */
export async function lockNotice(
  trx: Knex.Transaction,
  id: NoticeId,
): Promise<{ state: 'queued' | 'sent' | 'failed'; attempts: number } | undefined> {
  const { rows } = await trx.raw<{ rows: { state: 'queued' | 'sent' | 'failed'; attempts: number }[] }>(
    `SELECT state, attempts FROM notices WHERE id = ? FOR UPDATE`,
    [id],
  )
  return rows[0]
}

/** Ends a notice. Its fields, which may hold a link, and its ciphertext go with it. */
export async function endNotices(
  trx: Knex.Transaction,
  ids: readonly NoticeId[],
  end: { readonly state: 'sent' | 'failed'; readonly outcome: string; readonly at: Date },
): Promise<void> {
  await trx.raw(
    `UPDATE notices SET state = ?, outcome = ?, settled_at = ?, next_attempt_at = NULL, fields = NULL, ciphertext = NULL
      WHERE id = ANY(?::text[])`,
    [end.state, end.outcome, end.at, [...ids]],
  )
}

export async function postponeNotice(
  trx: Knex.Transaction,
  id: NoticeId,
  outcome: string,
  delayMs: number,
): Promise<void> {
  await trx.raw(
    `UPDATE notices SET outcome = ?, next_attempt_at = now() + ? * interval '1 millisecond' WHERE id = ?`,
    [outcome, delayMs, id],
  )
}

/** What of these kinds waits for a recipient; what a courier is settling right now is passed over. */
export async function lockWaiting(
  trx: Knex.Transaction,
  recipient: RecipientId,
  kinds: readonly string[],
): Promise<{ id: NoticeId; attempts: number }[]> {
  const { rows } = await trx.raw<{ rows: { id: NoticeId; attempts: number }[] }>(
    `SELECT id, attempts FROM notices WHERE recipient_id = ? AND state = 'queued' AND kind = ANY(?::text[])
      ORDER BY id FOR UPDATE SKIP LOCKED`,
    [recipient, [...kinds]],
  )
  return rows
}
