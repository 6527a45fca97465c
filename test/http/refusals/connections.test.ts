import { Agent } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issueClientCertificate } from '../../../src/platform/pki/index.ts'
import { type House, openHouse } from '../../support/house.ts'
import { send, sendRaw } from '../../support/request.ts'

let house: House
beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
})
afterAll(() => house.close())

interface Told {
  readonly type: string
  readonly reason?: string
  readonly code?: string
  readonly result: string
  readonly actor: object
  readonly from: { readonly listener: string; readonly address: string }
}
const told = async (): Promise<Told[]> => {
  const bodies = await house
    .owner('audit_events')
    .whereIn('type', ['connection.refused', 'client.refused', 'request.refused'])
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Told)
}
const ports = () => ({
  api: house.port,
  console: house.gateway.consolePort ?? 0,
  public: house.gateway.publicPort ?? 0,
  ops: house.gateway.opsPort,
})
type Listener = keyof ReturnType<typeof ports>

const trust = () => ({ ca: house.authority.certificate, servername: 'localhost' })
const tcp = (port: number, bytes: string): Promise<void> =>
  new Promise(resolve => {
    const socket = connectTcp(port, '127.0.0.1', () => socket.end(bytes))
    socket
      .on('error', () => resolve())
      .on('close', () => resolve())
      .resume()
  })

test.each(['api', 'console', 'public', 'ops'] as const)(
  'what is no TLS, and a TLS that is refused, at the listener %s',
  async listener => {
    const port = ports()[listener]
    await tcp(port, 'GET / HTTP/1.1\r\n\r\n')
    await new Promise<void>(resolve => {
      connect({
        ...trust(),
        port,
        host: '127.0.0.1',
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1.1',
        ciphers: 'ALL:@SECLEVEL=0',
      })
        .on('error', () => resolve())
        .on('close', () => resolve())
    })
    await expect.poll(told).toContainEqual(
      expect.objectContaining({
        type: 'connection.refused',
        reason: 'tls',
        result: 'failure',
        actor: { kind: 'peer', address: '127.0.0.1' },
        from: { listener, address: '127.0.0.1' },
      }),
    )
  },
)

test('a client that goes away in the handshake is known by its address', async () => {
  // An address that nobody else here comes from.
  await new Promise<void>(resolve => {
    const socket = connectTcp({ port: ports().public, host: '127.0.0.1', localAddress: '127.0.9.9' }, () =>
      socket.resetAndDestroy(),
    )
    socket.on('close', () => resolve())
  })
  await expect
    .poll(told)
    .toContainEqual(
      expect.objectContaining({ reason: 'gone', from: { listener: 'public', address: '127.0.9.9' } }),
    )
})

// Each from a network of its own: else only the first is told at once.
test.each([
  ['nonsense', 'NONSENSE\r\n\r\n', '400', '127.0.11.1'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', '400', '127.0.12.1'],
  [
    'a header without end',
    `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    '431',
    '127.0.13.1',
  ],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
    '400',
    '127.0.14.1',
  ],
  ['a tunnel', 'CONNECT localhost:1 HTTP/1.1\r\nHost: a\r\n\r\n', '', '127.0.15.1'],
])('HTTP that is broken: %s', async (_name, bytes, status, localAddress) => {
  // The types do not know that these are handed on to the connection below.
  const place = { host: '127.0.0.1', localAddress } as never
  const answer = await sendRaw({ ...house, port: ports().ops }, place, bytes)
  expect(answer.slice(0, 12)).toBe(status === '' ? '' : `HTTP/1.1 ${status}`)
  await expect.poll(told).toContainEqual(
    expect.objectContaining({
      type: 'connection.refused',
      reason: 'http',
      from: { listener: 'ops', address: localAddress },
    }),
  )
})

const asked: readonly (readonly [Listener, string, string, Readonly<Record<string, string>>, string])[] = [
  ['api', 'GET', '/nothing', {}, 'not_found'],
  ['api', 'PUT', '/v1/messages', {}, 'method_not_allowed'],
  ['api', 'POST', '/v1/messages', { 'content-type': 'text/plain' }, 'unsupported_media_type'],
  ['console', 'GET', '/nothing', {}, 'not_found'],
  ['console', 'GET', '/recipients', {}, 'sign_in_required'],
  [
    'console',
    'PUT',
    '/sign-out',
    { origin: 'https://console.gateway.test', 'sec-fetch-site': 'same-origin' },
    'method_not_allowed',
  ],
  ['console', 'POST', '/recipients', { origin: 'https://elsewhere.example' }, 'cross_site_refused'],
  ['public', 'GET', '/nothing', {}, 'not_found'],
  ['public', 'GET', '/enrol/short', {}, 'link_invalid'],
  ['public', 'POST', '/enrol/code', { origin: 'https://elsewhere.example' }, 'cross_site_refused'],
  ['ops', 'GET', '/metrics/nothing', {}, 'not_found'],
  ['ops', 'POST', '/healthz', {}, 'not_found'],
]

test.each(asked)(
  'a refused request at %s: %s %s %j is told as %s',
  async (listener, method, path, headers, code) => {
    const client = { uri: 'urn:test:billing', days: 1 }
    const identity = listener === 'api' ? await issueClientCertificate(house.authority, client) : undefined
    const tls = identity === undefined ? {} : { cert: identity.certificate, key: identity.key }
    const answer = await send({ ...house, port: ports()[listener] }, { method, path, headers, ...tls })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    await expect.poll(told).toContainEqual(
      expect.objectContaining({
        type: 'request.refused',
        code,
        from: { listener, address: expect.stringMatching(/^(?:127\.0\.0\.1|::1)$/) as string },
      }),
    )
  },
)

test('a peer that asks too often is told once', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  const ask = async () =>
    (await send({ ...house, port: ports().console }, { path: '/nothing', agent })).status
  const seen = new Set<number>()
  // However slow the machine is: until it is too often.
  for (let i = 0; i < 40 && !seen.has(429); i++) {
    for (const status of await Promise.all(Array.from({ length: 100 }, ask))) seen.add(status)
  }
  await Promise.all(Array.from({ length: 50 }, ask))
  agent.destroy()
  expect(seen).toContain(429)
  const refused = (await told()).filter(({ code }) => code === 'too_many_requests')
  expect(refused).toMatchObject([{ from: { listener: 'console' } }])
})
