import type { Knex } from 'knex'
import { appendEvents } from '../audit/index.ts'
import {
  type Address,
  type Ciphertext,
  type Clock,
  type NoticeId,
  newId,
  type RecipientId,
  SealpostError,
} from '../kernel/index.ts'
import { fill, isForOperators, type Notice, openingKinds } from './notice.ts'
import { type NoticeOuter, renderNotice } from './render.ts'
import { type NoticeSender, readSender } from './sender.ts'
import { endNotices, insertNotice, lockWaiting, type NewNoticeRow } from './store.ts'

/** From then on, a notice is tried for this long: 3 days. */
const giveUpAfter = 3 * 24 * 3_600_000

/**
 * Queues a notice in the caller's transaction, with its event. The texts are fixed here: later settings change nothing
 * of a queued notice. Throws `invalid_request` with pointers to the fields that are not what the template takes, and
 * `config_invalid` when the sender is not one; then nothing is queued.
 */
export async function queueNotice(
  trx: Knex.Transaction,
  clock: Clock,
  sender: NoticeSender,
  { kind, to, fields }: Notice,
): Promise<NoticeId> {
  const { from, mailHost, publicUrl, organisation } = checkedSender(sender)
  const filled = fill(kind, fields)
  if (!('template' in filled)) {
    const errors = filled.map(field => ({ pointer: `/${field}`, code: 'not_allowed_here' }))
    throw new SealpostError('invalid_request', { detail: `notice ${kind}`, errors })
  }
  if (isForOperators(kind) !== 'operator' in to) {
    throw new SealpostError('internal_error', { detail: `notice ${kind}: wrong audience` })
  }
  const id = newId('ntc', clock)
  const outer = { from, to: to.address, date: dateHeader(clock.now()), messageId: `<${id}@${mailHost}>` }
  // What cannot be rendered is refused now, not found by a courier.
  renderNotice(kind, filled.values, { from, mailHost, publicUrl, organisation }, outer)
  return insert(trx, clock, {
    id,
    kind,
    recipient: 'recipient' in to ? to.recipient : null,
    operator: 'operator' in to ? to.operator : null,
    ...columns(outer),
    fields: { sender: { mailHost, publicUrl, organisation }, values: filled.values },
    ciphertext: null,
    format: null,
    encryptionSubkey: null,
    at: clock.now(),
  })
}

/** A possession challenge, sealed to the proposed certificate: the one notice with an encrypted body. */
export interface SealedNotice {
  readonly recipient: RecipientId
  readonly address: Address
  /** As they were mirrored inside the encryption; see {@link outerOf}. */
  readonly outer: NoticeOuter
  readonly ciphertext: Ciphertext
  readonly format: 'seipdv1' | 'seipdv2'
  /** Fingerprint of the subkey, upper-case hex: the outbound gate holds the ciphertext against it again. */
  readonly encryptionSubkey: string
}

/** Queues a possession challenge in the caller's transaction, with its event. Throws `config_invalid`. */
export function queueSealedNotice(
  trx: Knex.Transaction,
  clock: Clock,
  sender: NoticeSender,
  { recipient, address, outer, ciphertext, format, encryptionSubkey }: SealedNotice,
): Promise<NoticeId> {
  const { from } = checkedSender(sender)
  if (outer.to !== address || outer.from !== from) {
    throw new SealpostError('internal_error', { detail: 'sealed notice: outer headers of another mail' })
  }
  return insert(trx, clock, {
    id: newId('ntc', clock),
    kind: 'possession',
    recipient,
    operator: null,
    ...columns(outer),
    fields: null,
    ciphertext,
    format,
    encryptionSubkey,
    at: clock.now(),
  })
}

/** Headers for a mail that is sealed first and queued by {@link queueSealedNotice} afterwards. */
export function outerOf(sender: NoticeSender, to: Address, clock: Clock): NoticeOuter {
  const { from, mailHost } = checkedSender(sender)
  return { from, to, date: dateHeader(clock.now()), messageId: `<${newId('ntc', clock)}@${mailHost}>` }
}

/**
 * Takes back what still waits for a recipient and opens something: invitations, challenges, in the caller's transaction,
 * because their links were just made void. What only tells of a change still goes out. Gives how many. What is being
 * sent at this moment is not held up.
 */
export async function withdrawNotices(
  trx: Knex.Transaction,
  clock: Clock,
  recipient: RecipientId,
): Promise<number> {
  const waiting = await lockWaiting(trx, recipient, openingKinds)
  const end = { state: 'failed', outcome: 'withdrawn', at: clock.now() } as const
  await endNotices(
    trx,
    waiting.map(({ id }) => id),
    end,
  )
  await appendEvents(
    trx,
    clock,
    waiting.map(({ id, attempts }) => ({
      actor: { kind: 'gateway' },
      event: {
        type: 'notice.failed',
        notice: id,
        attempt: attempts,
        outcome: end.outcome,
        host: null,
        tls: null,
      },
    })),
  )
  return waiting.length
}

async function insert(trx: Knex.Transaction, clock: Clock, row: NewNoticeRow): Promise<NoticeId> {
  const { id, kind, recipient, operator } = row
  await insertNotice(trx, row, giveUpAfter)
  await appendEvents(trx, clock, [
    { actor: { kind: 'gateway' }, event: { type: 'notice.queued', notice: id, kind, recipient, operator } },
  ])
  return id
}

function columns({
  from,
  to,
  date,
  messageId,
}: NoticeOuter): Pick<NewNoticeRow, 'sender' | 'address' | 'date' | 'messageId'> {
  return { sender: from, address: to, date, messageId }
}

function checkedSender(sender: NoticeSender): NoticeSender {
  const { from, mailHost, publicUrl, organisation } = sender
  const read = readSender({ from, mailHost, publicUrl, organisation })
  if ('from' in read) return read
  throw new SealpostError('config_invalid', { detail: `sender of notices: ${read.join(', ')}` })
}

/** RFC 5322 section 3.3. */
function dateHeader(at: Date): string {
  return at.toUTCString().replace('GMT', '+0000')
}
