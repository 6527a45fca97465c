import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
} from '../../../src/platform/pki/index.ts'
import { openSyslog, type SyslogReceiver, syslogFailureOf } from '../../../src/platform/syslog/index.ts'
import { certificatesOf, fingerprintOf } from '../../../src/platform/tls/index.ts'
import {
  type Behaviour,
  knownBy,
  type ReceiverIdentity,
  reads,
  receiverIdentity,
  startReceiver,
  type TestReceiver,
} from '../../support/syslog-receiver.ts'
import { recordWire } from '../../support/wire.ts'

let identity: ReceiverIdentity
let receiver: TestReceiver
beforeAll(async () => {
  identity = await receiverIdentity()
  receiver = await startReceiver(identity)
})
afterAll(() => receiver[Symbol.asyncDispose]())

const known = (changes: Partial<SyslogReceiver> = {}) => ({ ...knownBy(identity, receiver), ...changes })
const numbered = (count: number) => Array.from({ length: count }, (_, n) => Buffer.from(`message ${n} ä`))

/** What became of so many messages. */
async function deliver(to: SyslogReceiver, count: number, deadline = 20_000): Promise<string> {
  try {
    const connection = await openSyslog(to, { deadline })
    try {
      await connection.send(numbered(count))
      await connection.confirm()
    } finally {
      connection.close()
    }
    return 'arrived'
  } catch (error) {
    return syslogFailureOf(error)
  }
}

/** With this behaviour, and back to the usual. */
async function facing<T>(behaviour: Behaviour | undefined, run: () => Promise<T>): Promise<T> {
  receiver.messages.length = 0
  if (behaviour !== undefined) receiver.behave(behaviour)
  try {
    return await run()
  } finally {
    receiver.behave(reads)
  }
}

test('everything arrives in order, and then it is known to have', async () => {
  await facing(undefined, async () => {
    expect(await deliver(known(), 5_000)).toBe('arrived')
    expect(receiver.messages).toEqual(numbered(5_000).map(String))
  })
})

test('a connection without messages shows that a receiver works', async () => {
  expect(await deliver(known(), 0)).toBe('arrived')
})

test('a client certificate is shown where one is wanted, and without it nothing arrives', async () => {
  const clients = await createAuthority({ commonName: 'clients', days: 1 })
  const mine = await issueClientCertificate(clients, { dns: 'gateway.test', days: 1 })
  await using strict = await startReceiver(identity, clients.certificate)
  const to = knownBy(identity, strict)
  expect(await deliver({ ...to, identity: mine }, 3)).toBe('arrived')
  for (const count of [0, 1, 5_000]) expect(await deliver(to, count)).not.toBe('arrived')
  expect(strict.messages).toHaveLength(3)
})

describe('a server that does not prove itself hears nothing', () => {
  const strangers: Record<string, () => Promise<Partial<SyslogReceiver>>> = {
    'another name': () => Promise.resolve({ host: '127.0.0.1' }),
    'another CA': async () => ({
      ca: (await createAuthority({ commonName: 'SIEM CA', days: 1 })).certificate,
    }),
    'a certificate of another environment': () => {
      const [own] = certificatesOf(identity.server.certificate, 'certificate_unreadable')
      return Promise.resolve({ foreign: [fingerprintOf(own)] })
    },
  }
  test.each(Object.entries(strangers))('%s', async (_, change) => {
    const wire = await recordWire(receiver.port)
    await facing(undefined, async () => {
      expect(await deliver(known({ port: wire.port, ...(await change()) }), 100)).toBe('not_authenticated')
      expect(receiver.messages).toEqual([])
    })
    const said = Buffer.concat(wire.connections.map(bytes => bytes()))
    await wire.stop()
    expect(wire.connections).toHaveLength(1)
    // A ClientHello, perhaps an alert: nothing of the size of what was to be sent.
    expect(said.length).toBeGreaterThan(0)
    expect(said.length).toBeLessThan(2_500)
  })

  test('an expired certificate', async () => {
    const server = await issueServerCertificate(identity.authority, { dnsNames: ['localhost'], days: -1 })
    await using expired = await startReceiver({ ...identity, server })
    expect(await deliver(knownBy(identity, expired), 10)).toBe('not_authenticated')
    expect(expired.messages).toEqual([])
  })

  test('one without TLS', async () => {
    const came: Buffer[] = []
    const plain = createServer(socket => {
      socket
        .on('error', () => undefined)
        .on('data', (bytes: Buffer) => {
          came.push(bytes)
          socket.write('220 hello\r\n')
        })
    }).listen(0, 'localhost')
    await once(plain, 'listening')
    const { port } = plain.address() as AddressInfo
    expect(await deliver(known({ port }), 10)).toBe('not_authenticated')
    expect(Buffer.concat(came).toString('latin1')).not.toContain('message')
    plain.close()
    expect(await deliver(known({ port }), 10)).toBe('connect_failed')
  })
})

describe('what a receiver does instead of reading to the end is never taken for arrival', () => {
  const behaviours: Record<string, [Behaviour, readonly string[], number?]> = {
    'it never reads': [() => undefined, ['timed_out'], 400],
    'it reads and never ends': [
      tls => {
        tls.allowHalfOpen = true
        tls.resume()
      },
      ['timed_out'],
      400,
    ],
    'it ends at once': [tls => void tls.end(), ['connection_lost']],
    'it ends after some of it': [tls => void tls.once('data', () => tls.end()), ['connection_lost']],
    'it dies': [tls => void tls.once('data', () => tls.destroy()), ['connection_lost']],
    'it speaks': [
      tls => {
        tls.resume()
        tls.write('OK\n')
      },
      ['spoke'],
    ],
  }
  test.each(Object.entries(behaviours))('%s', async (_, [behaviour, outcomes, deadline]) => {
    await facing(behaviour, async () => {
      expect(outcomes).toContain(await deliver(known(), 5_000, deadline))
    })
  })

  /** What somebody in between does to an end that would have been clean. */
  const between: Record<string, [Parameters<typeof startBetween>[1], string]> = {
    'its end comes without its word in TLS': ['drops close_notify', 'not_confirmed'],
    'after its end, its system says that something was not read': ['resets after the end', 'not_confirmed'],
    'bytes that are not TLS come': ['adds nonsense', 'connection_lost'],
    nothing: ['nothing', 'arrived'],
  }
  test.each(Object.entries(between))('%s', async (_, [what, outcome]) => {
    await using relay = await startBetween(receiver.port, what)
    expect(await deliver(known({ port: relay.port }), 1_000)).toBe(outcome)
  })
})

test('a slow receiver holds the sender back, and nothing piles up in this process', async () => {
  const slowly: Behaviour = tls => {
    reads(tls, receiver)
    tls.on('data', () => {
      tls.pause()
      setTimeout(() => tls.resume(), 5)
    })
  }
  await facing(slowly, async () => {
    const connection = await openSyslog(known())
    let taken = 0
    const endless = function* () {
      for (; taken < 6_000; taken++) yield Buffer.alloc(4_096, 'x')
    }
    const sending = connection.send(endless())
    await expect.poll(() => receiver.messages.length, { timeout: 20_000 }).toBeGreaterThan(100)
    // What is on its way lies in the systems' buffers and in one piece of ours.
    expect(taken).toBeLessThan(6_000)
    connection.close()
    await expect(sending).rejects.toMatchObject({ code: 'syslog_failed' })
  })
})

test('closing ends whatever is under way', async () => {
  await facing(
    () => undefined,
    async () => {
      const connection = await openSyslog(known())
      const sending = connection.send(numbered(1_000_000))
      await sleep(10)
      connection.close()
      await expect(sending).rejects.toMatchObject({ code: 'syslog_failed' })
      await expect(connection.confirm()).rejects.toMatchObject({ code: 'syslog_failed' })
    },
  )
})

/** Passes bytes on in both directions, but for what it does to the server's. */
async function startBetween(
  port: number,
  what: 'nothing' | 'drops close_notify' | 'resets after the end' | 'adds nonsense',
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, client => {
    const far = connect({ host: 'localhost', port, allowHalfOpen: true })
    for (const socket of [client, far]) sockets.add(socket.on('error', () => undefined))
    client.pipe(far)
    far.on('data', (bytes: Buffer) => {
      // An alert of TLS 1.3: two octets, their type and a tag of sixteen.
      const alert = bytes.subarray(-24, -19).equals(Buffer.from('1703030013', 'hex'))
      client.write(alert && what === 'drops close_notify' ? bytes.subarray(0, -24) : bytes)
      if (what === 'adds nonsense') client.write('250 OK\r\n')
    })
    far.on('end', () => {
      client.end()
      if (what === 'resets after the end') setTimeout(() => client.resetAndDestroy(), 5)
    })
  }).listen(0, 'localhost')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
