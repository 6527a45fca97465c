import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../src/demo/index.ts'

/** Published by card schemes for tests. */
const line = 'Card 4111 1111 1111 1111, 12.50 EUR, refund of order 1147.\n'

export function messageOf(bytes: number, to: string): object {
  const text = line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes)
  return { from: 'settlement@payments.example', to: [to], subject: 'Settlement', text }
}

/** A message whose JSON body is just under `bytes`, nearly all of it one attachment. */
export function largeMessageOf(bytes: number, to: string): object {
  const content = Buffer.alloc(Math.floor(((bytes - 400) * 3) / 4), line).toString('base64')
  const attachments = [{ filename: 'settlement.csv', contentType: 'text/csv', content }]
  return { from: 'settlement@payments.example', to: [to], subject: 'Settlement', attachments }
}

/** Posts `count` messages with `lanes` requests under way at any time. */
export async function postAll(client: Client, message: object, count: number, lanes: number): Promise<void> {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const { status } = await client.post(message)
      if (status !== 202) throw new Error(`the gateway answered ${status}`)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** Posts at a fixed rate, whatever the answers' delay, and gives each delay in milliseconds, ascending. */
export async function postAtRate(
  client: Client,
  message: object,
  perSecond: number,
  seconds: number,
): Promise<readonly number[]> {
  const delays: number[] = []
  const count = Math.round(perSecond * seconds)
  const start = performance.now()
  const posts: Promise<void>[] = []
  for (let i = 0; i < count; i++) {
    const due = start + (i * 1000) / perSecond
    const wait = due - performance.now()
    if (wait > 1) await sleep(wait)
    posts.push(
      client.post(message).then(({ status }) => {
        if (status !== 202) throw new Error(`the gateway answered ${status}`)
        // From when it was due: a late start is the service's delay too (coordinated omission).
        delays.push(performance.now() - due)
      }),
    )
  }
  await Promise.all(posts)
  return delays.toSorted((a, b) => a - b)
}

export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}
