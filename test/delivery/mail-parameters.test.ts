import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { watchStream } from '../../src/delivery/smtp/watched-stream.ts'
import { authority, briefly, deliverBy, identity, routeTo } from '../support/sessions.ts'
import { type HostileServer, startHostile } from '../support/smtp-sink.ts'

let server: HostileServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

/** A server that offers these extensions inside TLS. */
async function start(...offer: string[]): Promise<number> {
  server = await startHostile(identity, async client => {
    await client.startTls()
    client.send('220 mx.test\r\n')
    for (let line = await client.line(); line !== undefined; line = await client.line()) {
      if (line.startsWith('EHLO')) {
        client.send(`250-mx.test\r\n${offer.map(word => `250-${word}\r\n`).join('')}250 HELP\r\n`)
      } else if (line === 'DATA') {
        client.send('354 go on\r\n')
        while (line !== undefined && line !== '.') line = await client.line()
        client.send('250 queued\r\n')
      } else client.send('250 fine\r\n')
    }
  })
  return server.port
}

const proof = { level: 'pinned', pins: { ca: authority.certificate } } as const
const commands = (): string[] =>
  (server?.secret() ?? '').split('\r\n').filter(line => /^(?:EHLO|MAIL|RCPT|DATA)/.test(line))

async function say(
  offer: readonly string[],
  { requireTls, envid }: { requireTls?: 'must' | 'if_offered'; envid?: string } = {},
): Promise<{ outcome: string; mail: string | undefined; rcpt: string | undefined }> {
  const port = await start(...offer)
  const route = routeTo(port, proof, { tls: 'implicit', ...(requireTls === undefined ? {} : { requireTls }) })
  const { outcome } = await deliverBy(route, {}, envid === undefined ? {} : { dsn: { envid } })
  return { outcome, mail: commands()[1], rcpt: commands()[2] }
}

const from = 'MAIL FROM:<gateway@payments.test>'
const to = 'RCPT TO:<ada@bank.test>'

describe('of what a server offers is used', () => {
  test('nothing, when nothing is asked', async () => {
    const offer = ['8BITMIME', 'SMTPUTF8', 'CHUNKING', 'BINARYMIME', 'DSN', 'REQUIRETLS', 'AUTH PLAIN']
    expect(await say(offer)).toEqual({ outcome: 'delivered', mail: from, rcpt: to })
  })
  test('SIZE, to the byte', async () => {
    const { mail } = await say(['SIZE 100000'])
    const [, size] = /^MAIL FROM:<gateway@payments\.test> SIZE=([0-9]+)$/.exec(mail ?? '') ?? []
    const content = server?.secret().split('DATA\r\n')[1]?.split('\r\n.\r\n')[0]
    expect(Number(size)).toBe(`${content}\r\n`.length)
  })
  test('DSN, with our name for the delivery', async () => {
    expect(await say(['DSN'], { envid: 'dlv_01ABC' })).toEqual({
      outcome: 'delivered',
      mail: `${from} RET=HDRS ENVID=dlv_01ABC`,
      rcpt: `${to} NOTIFY=FAILURE,DELAY`,
    })
    await server?.stop()
    expect(await say([], { envid: 'dlv_01ABC' })).toEqual({ outcome: 'delivered', mail: from, rcpt: to })
  })
  test('REQUIRETLS, after the rest, with pipelining too', async () => {
    const all = ['PIPELINING', 'SIZE', 'DSN', 'REQUIRETLS']
    const { outcome, mail } = await say(all, { requireTls: 'must', envid: 'x' })
    expect(outcome).toBe('delivered')
    expect(mail).toMatch(/^MAIL FROM:<gateway@payments\.test> SIZE=[0-9]+ RET=HDRS ENVID=x REQUIRETLS$/)
  })
})

describe('REQUIRETLS', () => {
  test('that is a must and not offered: no MAIL FROM', async () => {
    expect(await say(['STARTTLS', 'XREQUIRETLS', 'NO REQUIRETLS'], { requireTls: 'must' })).toEqual({
      outcome: 'requiretls_not_offered',
      mail: undefined,
      rcpt: undefined,
    })
  })
  test('is said where it is offered, and not missed where it is not', async () => {
    expect(await say(['REQUIRETLS'], { requireTls: 'if_offered' })).toMatchObject({
      mail: `${from} REQUIRETLS`,
    })
    await server?.stop()
    expect(await say([], { requireTls: 'if_offered' })).toMatchObject({ outcome: 'delivered', mail: from })
  })
  test('in clear counts for nothing', async () => {
    server = await startHostile(identity, async client => {
      client.send('220 mx\r\n')
      await client.line()
      client.send('250-mx\r\n250-REQUIRETLS\r\n250 STARTTLS\r\n')
      await client.line()
      client.send('220 go\r\n')
      await client.startTls()
      while ((await client.line()) !== undefined) client.send('250 mx\r\n')
    })
    const route = routeTo(server.port, proof, { requireTls: 'must' })
    expect(await deliverBy(route)).toMatchObject({ outcome: 'requiretls_not_offered' })
    expect(server.secret()).toBe('EHLO gateway.test\r\n')
  })
})

test.each(['', 'a b', 'a+b', 'a=b', 'a\r\nRCPT', 'ä', 'x'.repeat(101)])(
  'an ENVID that would have to be encoded, %j, is not sent, nor the mail',
  async envid => {
    expect(await say(['DSN'], { envid })).toEqual({
      outcome: 'internal_error',
      mail: undefined,
      rcpt: undefined,
    })
  },
)

test.each([
  'MAIL FROM:<gateway@payments.test.evil>\r\n',
  'MAIL FROM:<gateway@payments.test> SMTPUTF8\r\n',
  'MAIL FROM: <gateway@payments.test>\r\n',
  'mail from:<gateway@payments.test>\r\n',
  'MAIL FROM:<gateway@payments.test>\n',
  'MAIL FROM:<gateway@payments.test>\r\nRCPT TO:<eve@evil.test>\r\n',
  'RCPT TO:<ada@bank.test>\r\n',
  'DATA\r\n',
  'RSET\r\n',
])('a library that says %j, which is not the envelope to the byte, is cut off', async said => {
  let passed = ''
  const socket = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      passed += chunk.toString()
      done()
    },
  })
  const extensions = { pipelining: true, dsn: false, requireTls: false, auth: [] }
  const watched = watchStream(
    { socket: socket as unknown as TLSSocket, extensions, requireTls: false, evidence: {} as never },
    briefly.limits,
  )
  watched.begin({ mail: from, rcpt: to }, 10)
  watched.stream.write(said)
  await new Promise(setImmediate)
  expect(watched.failure?.outcome).toBe('internal_error')
  expect(passed).toBe('')
})
