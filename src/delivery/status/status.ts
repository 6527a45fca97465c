import type { Knex } from 'knex'
import type { TlsEvidence } from '../../audit/index.ts'
import type { Address, DeliveryId, MessageId } from '../../kernel/index.ts'
import type { Outcome } from '../outcome.ts'
import type { AttemptRow, DeliveryState } from '../store.ts'
import { findDeliveries, findSummaries, type SummaryRow } from './store.ts'

export interface AttemptStatus {
  readonly number: number
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly outcome: Outcome
  readonly host?: string
  readonly address?: string
  readonly port?: number
  readonly tls?: TlsEvidence
  readonly replyCode?: number
  /** The server's words, bounded, escaped, without what looks like a card number. */
  readonly reply?: string
}

/** A delivery without its attempts. */
export interface DeliverySummary {
  readonly id: DeliveryId
  readonly recipient: Address
  /** `quarantined`: it waits for an operator, until its time is over. */
  readonly state: DeliveryState
  /** Of the last attempt; when settled, why. */
  readonly outcome?: Outcome
  readonly nextAttemptAt?: Date
  readonly settledAt?: Date
}

export interface DeliveryStatus extends DeliverySummary {
  readonly attempts: readonly AttemptStatus[]
}

/** The deliveries of a message in the order of its recipients, each with its attempts. */
export async function deliveriesOf(
  knex: Knex | Knex.Transaction,
  message: MessageId,
): Promise<readonly DeliveryStatus[]> {
  const rows = await findDeliveries(knex, message)
  const byDelivery = Map.groupBy(rows, row => row.delivery_id)
  return [...byDelivery.values()].map(([first, ...rest]) => {
    if (first === undefined) throw new Error('a group has a member')
    const attempts = [first, ...rest].flatMap(row => (row.number === null ? [] : [attemptOf(row)]))
    return { ...statusOf(first), attempts }
  })
}

/** The deliveries of several messages, of each in the order of its recipients. */
export async function summariesOf(
  knex: Knex,
  messages: readonly MessageId[],
): Promise<ReadonlyMap<MessageId, readonly DeliverySummary[]>> {
  const rows = await findSummaries(knex, messages)
  const byMessage = Map.groupBy(rows, row => row.message)
  return new Map([...byMessage].map(([message, found]) => [message, found.map(statusOf)]))
}

function statusOf(row: SummaryRow): DeliverySummary {
  return {
    id: row.delivery_id,
    recipient: row.recipient,
    state: row.state,
    ...present({
      outcome: row.last_outcome,
      nextAttemptAt: row.next_attempt_at,
      settledAt: row.settled_at,
    }),
  }
}

function attemptOf(row: AttemptRow): AttemptStatus {
  const {
    number,
    started_at: startedAt,
    finished_at: finishedAt,
    outcome,
    host,
    address,
    port,
    tls,
    reply,
  } = row
  return {
    number,
    startedAt,
    finishedAt,
    outcome,
    ...present({ host, address, port, tls, replyCode: row.reply_code, reply }),
  }
}

type Present<Fields> = { [Name in keyof Fields]?: NonNullable<Fields[Name]> }

/** Without the fields that are null. */
function present<Fields extends object>(fields: Fields): Present<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Present<Fields>
}
