import type { ClientRequest, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { Identity } from '../../src/platform/pki/index.ts'
import type { House } from '../support/house.ts'
import { eventually } from '../support/locks.ts'

export interface Heard {
  readonly id: string
  readonly event: string
  readonly data: unknown
}

/** A stream of events as a client sees it. */
export interface Listening {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** All that came, to the octet. */
  text(): string
  heard(): readonly Heard[]
  /** Resolves once there are that many events. */
  until(count: number): Promise<readonly Heard[]>
  ended(): boolean
  /** Takes nothing more, or goes on. */
  pause(): void
  resume(): void
  close(): void
}

export async function listen(
  house: Pick<House, 'port' | 'authority'>,
  client: Identity,
  path: string,
  after?: string,
): Promise<Listening> {
  const [response, sent] = await new Promise<readonly [IncomingMessage, ClientRequest]>((resolve, reject) => {
    const outgoing = request(
      {
        host: 'localhost',
        port: house.port,
        ca: house.authority.certificate,
        cert: client.certificate,
        key: client.key,
        agent: false,
        path,
        headers: { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) },
      },
      answer => resolve([answer, outgoing]),
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
  let text = ''
  let over = false
  response.setEncoding('utf8')
  response.on('data', (piece: string) => {
    text += piece
  })
  response.on('error', () => undefined)
  response.on('close', () => {
    over = true
  })
  const heard = () => readEvents(text)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => text,
    heard,
    async until(count) {
      await eventually(`${count} events`, () => heard().length >= count)
      return heard()
    },
    ended: () => over,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void sent.destroy(),
  }
}

function readEvents(text: string): readonly Heard[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map(block =>
      Object.fromEntries(
        block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      ),
    )
    .flatMap(({ id = '', event, data }) =>
      event === undefined ? [] : [{ id, event, data: JSON.parse(data ?? 'null') as unknown }],
    )
}
