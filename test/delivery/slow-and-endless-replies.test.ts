import { afterEach, expect, test } from 'vitest'
import { briefly, deliver, identity, mail, rule } from '../support/sessions.ts'
import { type HostileServer, type ScriptedClient, startHostile } from '../support/smtp-sink.ts'

let server: HostileServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

const steps = [
  'connect',
  'EHLO',
  'STARTTLS',
  'handshake',
  'EHLO in TLS',
  'MAIL',
  'RCPT',
  'DATA',
  '.',
] as const
type Stop = (typeof steps)[number]

/** A proper server until `stop`; then `instead`. */
async function start(stop: Stop, instead: (client: ScriptedClient) => void): Promise<number> {
  server = await startHostile(identity, async client => {
    const halt = async (): Promise<never> => {
      instead(client)
      return new Promise(() => undefined)
    }
    const answer = async (step: Stop, reply: string): Promise<void> => {
      await client.line()
      if (stop === step) await halt()
      client.send(reply)
    }
    if (stop === 'connect') await halt()
    client.send('220 mx.test\r\n')
    await answer('EHLO', '250-mx.test\r\n250 STARTTLS\r\n')
    await answer('STARTTLS', '220 go\r\n')
    if (stop === 'handshake') await halt()
    await client.startTls()
    await answer('EHLO in TLS', '250 mx.test\r\n')
    await answer('MAIL', '250 ok\r\n')
    await answer('RCPT', '250 ok\r\n')
    await answer('DATA', '354 go on\r\n')
    for (let line = await client.line(); line !== '.'; line = await client.line())
      if (line === undefined) return
    if (stop === '.') await halt()
    client.send('250 ok\r\n')
  })
  return server.port
}

/** The outcome, and how long it took in milliseconds. */
async function timed(port: number): Promise<{ outcome: string; took: number }> {
  const begin = performance.now()
  const { outcome } = await deliver(rule(port), undefined, briefly)
  return { outcome, took: performance.now() - begin }
}

const flood = (client: ScriptedClient): void => {
  const more = (): void => {
    if (!client.socket.destroyed)
      client.socket.write(Buffer.alloc(65_536, '250-x\r\n'), () => setImmediate(more))
  }
  more()
}

// In time and without keeping others waiting: test/delivery/hostile-matrix.test.ts.
test.each(steps)('a server that never stops sending, at %s, fills no memory', async stop => {
  const port = await start(stop, flood)
  const before = process.memoryUsage().rss
  const { outcome } = await deliver(rule(port))
  expect(outcome).toMatch(/^(?:protocol_violation|starttls_injection)$/)
  expect(process.memoryUsage().rss - before).toBeLessThan(64e6)
})

test('a server that reads the message too slowly is given up', async () => {
  server = await startHostile(identity, async client => {
    await client.startTls()
    for (const reply of ['220 mx', '250 mx', '250 ok', '250 ok', '354 go']) {
      client.send(`${reply}\r\n`)
      await client.line()
    }
    client.socket.pause()
    await new Promise(() => undefined)
  })
  const begin = performance.now()
  const result = await deliver(rule(server.port, undefined, 'implicit'), mail(8_000_000), {
    limits: { ...briefly.limits, transaction: 500, bytesPerSecond: 100_000_000 },
  })
  expect(result).toMatchObject({ outcome: 'timeout' })
  expect(performance.now() - begin).toBeLessThan(3000)
})

test('replies that each come in time do not add up to a session without end', async () => {
  server = await startHostile(identity, async client => {
    for (;;) {
      await new Promise(resolve => setTimeout(resolve, 200))
      if (client.socket.destroyed) return
      client.send('220-mx\r\n')
    }
  })
  const { outcome, took } = await timed(server.port)
  expect(outcome).toBe('timeout')
  expect(took).toBeLessThan(briefly.limits.reply * 2)
})
