import type { Knex } from 'knex'
import { type ChangeRequest, type Operator, operatorsWith } from '../access/index.ts'
import type { Address, Clock } from '../kernel/index.ts'
import {
  type Notice,
  type NoticeFields,
  type NoticeSender,
  queueNotice,
  type reports,
} from '../notices/index.ts'
import type { Links } from './link/links.ts'
import type { Recipient } from './recipient.ts'

/** What ends with a link that stops the use of the recipient's key. */
type Stoppable = Extract<Notice, { readonly fields: { readonly stopToken: string } }>['kind']

/** Tells people, in the transaction of what happened: it did not happen if nobody could be told. */
export interface Telling {
  recipient<Kind extends Stoppable>(
    trx: Knex.Transaction,
    to: Pick<Recipient, 'id' | 'address'>,
    kind: Kind,
    fields: Omit<NoticeFields<Kind>, 'stopToken'>,
  ): Promise<void>
  /** There is nothing left to stop. */
  unenrolled(trx: Knex.Transaction, to: Pick<Recipient, 'id' | 'address'>): Promise<void>
  /** Every admin. */
  admins(
    trx: Knex.Transaction,
    about: Address,
    report: keyof typeof reports,
    fingerprint: string | null,
  ): Promise<void>
  /** Every approver but the one who asks. */
  approvers(trx: Knex.Transaction, by: Operator, about: Address, change: ChangeRequest): Promise<void>
}

export function openTelling(clock: Clock, sender: NoticeSender, links: Links): Telling {
  const queue = (trx: Knex.Transaction, kind: string, to: object, fields: object): Promise<unknown> =>
    // The pairs of kind and fields are checked where they are given; `queueNotice` checks them again.
    queueNotice(trx, clock, sender, { kind, to, fields } as Notice)

  return {
    async recipient(trx, { id, address }, kind, fields) {
      const link = links.stop(id)
      await link.store(trx)
      await queue(trx, kind, { recipient: id, address }, { ...fields, stopToken: link.token })
    },
    async unenrolled(trx, { id, address }) {
      await queue(trx, 'unenrolled', { recipient: id, address }, {})
    },
    async admins(trx, about, report, fingerprint) {
      for (const { id, address } of await operatorsWith(trx, 'admin')) {
        const fields = { about, report, fingerprint, at: clock.now() }
        await queue(trx, 'recipient_report', { operator: id, address }, fields)
      }
    },
    async approvers(trx, by, about, { kind, expiresAt }) {
      const others = (await operatorsWith(trx, 'approver')).filter(({ id }) => id !== by.id)
      for (const { id, address } of others) {
        const fields = { change: kind, askedBy: by.name, about, until: expiresAt }
        await queue(trx, 'change_waiting', { operator: id, address }, fields)
      }
    },
  }
}
