import type { Knex } from 'knex'
import type { Client } from '../../src/demo/index.ts'
import { sender } from '../support/serve.ts'
import type { SunkMail } from '../support/smtp-sink.ts'

/** Messages for one recipient, told apart by their subject, posted by an application that repeats what got no 202. */
export interface Load {
  /** Ids of the messages that got their 202. */
  readonly acknowledged: readonly string[]
  /** How many have not had theirs. */
  readonly left: number
  /** Answers that were neither 202 nor a broken connection. */
  readonly refusals: readonly { readonly status: number; readonly code: string }[]
  /** Posts what is left, `lanes` at a time. Ends when all is acknowledged, or when each lane met a failure. */
  post(client: Client, lanes: number): Promise<void>
}

export function prepareLoad(count: number, to: string): Load {
  const left = Array.from({ length: count }, (_, i) => ({
    from: sender,
    to: [to],
    subject: `number ${i}`,
    text: `Card 4111 1111 1111 1111, number ${i}`,
  }))
  const acknowledged: string[] = []
  const refusals: { status: number; code: string }[] = []
  const lane = async (client: Client): Promise<void> => {
    for (let message = left.shift(); message !== undefined; message = left.shift()) {
      const answer = await client.post(message).catch(() => undefined)
      if (answer?.status === 202) acknowledged.push((answer.body as { id: string }).id)
      else {
        left.push(message)
        if (answer !== undefined) {
          refusals.push({ status: answer.status, code: (answer.body as { code: string }).code })
        }
        return
      }
    }
  }
  return {
    acknowledged,
    refusals,
    get left() {
      return count - acknowledged.length
    },
    async post(client, lanes) {
      await Promise.all(Array.from({ length: lanes }, () => lane(client)))
    },
  }
}

/** The mails by their Message-ID. */
export function byMessageId(mails: readonly SunkMail[]): Map<string, SunkMail[]> {
  const groups = new Map<string, SunkMail[]>()
  for (const mail of mails) {
    const id = /^Message-ID: (\S+)\r$/m.exec(mail.bytes.toString('latin1'))?.[1] ?? 'none'
    groups.set(id, [...(groups.get(id) ?? []), mail])
  }
  return groups
}

/** The outer Message-IDs of these messages, one per delivery. */
export function messageIdsOf(owner: Knex, messages: readonly string[]): Promise<string[]> {
  return owner('deliveries').whereIn('message_id', messages).pluck('outer_message_id')
}

/** How many deliveries are neither delivered nor failed. */
export async function openDeliveries(owner: Knex): Promise<number> {
  const rows: unknown[] = await owner('deliveries').whereIn('state', ['queued', 'sending']).select('id')
  return rows.length
}
