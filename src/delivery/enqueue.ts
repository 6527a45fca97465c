import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { fromKnex, type PgBoss } from 'pg-boss'
import type { AuditEvent } from '../audit/index.ts'
import {
  type Address,
  type Ciphertext,
  type DeliveryId,
  domainOf,
  type MessageId,
  type RecipientId,
} from '../kernel/index.ts'
import { deliverQueue } from '../platform/index.ts'
import { type DeliveryRow, insertDeliveries } from './store.ts'
import type { OuterHeaders } from './wire-message.ts'

/** The queue of deliveries: what `openQueue` of `platform/` gives. */
export type Queue = Pick<PgBoss, 'insert' | 'fetch' | 'deleteJob' | 'touch'>

/** A ciphertext and whom it is for: its address is `outer.to`. */
export interface NewDelivery {
  readonly id: DeliveryId
  readonly recipient: {
    readonly recipient: RecipientId
    /** Fingerprints in upper-case hex. */
    readonly certificate: {
      readonly fingerprint: string
      readonly encryptionSubkey: string
      readonly format: 'seipdv1' | 'seipdv2'
      /** Of the encryption subkey, for the audit log. */
      readonly algorithm?: string
    }
  }
  readonly outer: OuterHeaders
  readonly ciphertext: Ciphertext
  /** From acceptance on, it is tried for so many hours. */
  readonly giveUpHours: number
}

/** What the audit log says of an accepted delivery. */
export type EnqueuedDelivery = Extract<AuditEvent, { type: 'message.accepted' }>['deliveries'][number]

/** The deliveries of one accepted message. */
export interface AcceptedDeliveries {
  readonly id: MessageId
  readonly acceptedAt: Date
  /** From then on nothing of it is sent. */
  readonly expiresAt?: Date | undefined
  readonly deliveries: readonly NewDelivery[]
}

/**
 * Stores the deliveries of messages and their jobs, in the transaction that accepts them. Gives, for each message, what
 * the audit log says of its deliveries.
 */
export async function enqueueDeliveries(
  trx: Knex.Transaction,
  queue: Queue,
  messages: readonly AcceptedDeliveries[],
): Promise<readonly (readonly EnqueuedDelivery[])[]> {
  const rows = messages.map(message =>
    message.deliveries.map((delivery, position) => rowOf(delivery, message, position)),
  )
  await insertDeliveries(trx, rows.flat())
  await insertJobs(
    trx,
    queue,
    rows.flat().map(({ id, address }) => ({ id, address, delayMs: 0 })),
  )
  return rows.map((deliveries, i) =>
    deliveries.map((row, j) => enqueuedOf(row, messages[i]?.deliveries[j]?.recipient.certificate.algorithm)),
  )
}

function rowOf(
  { id, recipient, outer, ciphertext, giveUpHours }: NewDelivery,
  { id: message, acceptedAt, expiresAt }: AcceptedDeliveries,
  position: number,
): DeliveryRow {
  const giveUpAt = new Date(acceptedAt.getTime() + giveUpHours * 3_600_000)
  const { fingerprint, encryptionSubkey, format } = recipient.certificate
  return {
    id,
    message_id: message,
    position,
    recipient_id: recipient.recipient,
    address: outer.to,
    certificate: fingerprint,
    encryption_subkey: encryptionSubkey,
    format,
    outer_date: outer.date,
    outer_message_id: outer.messageId,
    ciphertext,
    ciphertext_sha256: createHash('sha256').update(ciphertext).digest('hex'),
    ciphertext_bytes: ciphertext.length,
    state: 'queued',
    accepted_at: acceptedAt,
    next_attempt_at: acceptedAt,
    give_up_at: expiresAt !== undefined && expiresAt < giveUpAt ? expiresAt : giveUpAt,
  }
}

function enqueuedOf(row: DeliveryRow, algorithm: string | undefined): EnqueuedDelivery {
  return {
    delivery: row.id,
    recipient: row.recipient_id,
    certificate: row.certificate,
    encryptionSubkey: row.encryption_subkey,
    ciphertextSha256: row.ciphertext_sha256,
    ciphertextBytes: row.ciphertext_bytes,
    format: row.format,
    ...(algorithm === undefined ? {} : { algorithm }),
  }
}

/** Seconds without a sign of life after which a courier's jobs go to another. */
const heartbeatSeconds = 20

/** Jobs in the caller's transaction: `{delivery}` and nothing else, grouped by the domain they go to. */
export async function insertJobs(
  trx: Knex.Transaction,
  queue: Pick<Queue, 'insert'>,
  jobs: readonly { readonly id: DeliveryId; readonly address: Address; readonly delayMs: number }[],
): Promise<void> {
  await queue.insert(
    deliverQueue,
    jobs.map(({ id, address, delayMs }) => ({
      data: { delivery: id },
      group: { id: domainOf(address) },
      heartbeatSeconds,
      // However often couriers died with it, it comes back at once.
      retryBackoff: false,
      retryDelay: 0,
      // Life is told by the heartbeat; this only ends what a living courier forgot.
      expireInSeconds: 6 * 3600,
      // Relative, so that the database's clock alone decides.
      ...(delayMs === 0 ? {} : { startAfter: delayMs / 1000 }),
    })),
    { db: fromKnex(trx) },
  )
}
