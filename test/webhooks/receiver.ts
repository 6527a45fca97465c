import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { WebhookPayload } from '../../src/contract/index.ts'
import type { Identity } from '../../src/platform/pki/index.ts'
import { eventually } from '../support/locks.ts'

export interface Call {
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly payload: WebhookPayload
}

/** A server that webhooks are called at. */
export interface Receiver {
  readonly url: string
  readonly calls: readonly Call[]
  /** The calls of one message. */
  of(message: string): readonly Call[]
  /** What it answers from now on: a status, headers with it, or nothing until it is let go. */
  answer: (call: Call) => number | { status: number; headers: Record<string, string> } | Promise<number>
  until(count: number, which?: (call: Call) => boolean): Promise<readonly Call[]>
  close(): Promise<void>
}

export async function startReceiver(identity: Identity, host = 'localhost'): Promise<Receiver> {
  const calls: Call[] = []
  const server = createServer({ cert: identity.certificate, key: identity.key }, (request, response) => {
    const take = async (): Promise<void> => {
      const body = await text(request)
      const payload = JSON.parse(body) as WebhookPayload
      const call = { path: request.url ?? '', headers: plain(request.headers), body, payload }
      calls.push(call)
      const answer = await receiver.answer(call)
      const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer
      response.writeHead(status, headers).end()
    }
    take().catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: Receiver = {
    url: `https://${host}:${(server.address() as AddressInfo).port}/hook`,
    calls,
    of: message => calls.filter(({ payload: { data } }) => 'message' in data && data.message === message),
    answer: () => 204,
    async until(count, which = () => true) {
      await eventually(`${count} calls`, () => calls.filter(which).length >= count, 40)
      return calls.filter(which)
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return receiver
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
