import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { DestinationRule, Route } from '../../src/delivery/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { openPost, type Post, pinnedTo } from '../support/post.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })

/** Sessions at the sink now, and the most there were at a time. */
let now = 0
let atOnce = 0
let onRcpt: () => Error | undefined = () => undefined
let post: Post
let sink: Sink
let other: Sink
beforeAll(async () => {
  sink = await startSink(identity, {
    onSecure(_socket, _session, done) {
      atOnce = Math.max(atOnce, ++now)
      done()
    },
    onClose: () => {
      now--
    },
    onRcptTo: (_to, _session, done) => setTimeout(() => done(onRcpt()), 20),
  })
  other = await startSink(identity)
  post = await openPost()
  const ruled = (limits: NonNullable<DestinationRule['limits']>): DestinationRule => ({
    ...pinnedTo(authority.certificate, sink.port),
    limits,
  })
  await post.route('one.test', ruled({ connections: 1 }))
  await post.route('three.test', ruled({ connections: 3 }))
  await post.route('slow.test', ruled({ messagesPerMinute: 120 }))
  await post.route('minute.test', ruled({ messagesPerMinute: 1 }))
  await post.route('slower.test', ruled({ messagesPerMinute: 120 }))
  await post.route('other.test', pinnedTo(authority.certificate, other.port))
})
afterEach(async () => {
  await post.stopCouriers()
  // So that no later courier has to do with it.
  await post
    .owner('deliveries')
    .whereNot({ state: 'delivered' })
    .update({ state: 'failed', ciphertext: null })
})
afterAll(async () => {
  await post.close()
  await sink.stop()
  await other.stop()
})

const addresses = (count: number, domain: string): string[] =>
  Array.from({ length: count }, (_, i) => `r${i}@${domain}`)
const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (const end = performance.now() + 20_000; !(await condition()); ) {
    if (performance.now() > end) throw new Error('it never came')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
const allDelivered = async (messages: Awaited<ReturnType<Post['accept']>>) => {
  for (const { message } of messages) await post.until(message, ({ state }) => state === 'delivered')
}

test.each([
  ['one.test', 1],
  ['three.test', 3],
])('%s is never spoken to over more than %i connections at a time', async (domain, most) => {
  atOnce = 0
  const accepted = await post.accept(...addresses(40, domain))
  const courier = post.startCourier()
  await allDelivered(accepted)
  await courier.stop()
  expect(atOnce).toBeLessThanOrEqual(most)
  expect(atOnce).toBeGreaterThan(0)
})

test('the limits of a relay hold for all domains that go there together', async () => {
  atOnce = 0
  const relay: Route = {
    ok: true,
    asked: 'relay',
    requireTls: undefined,
    limits: { connections: 2 },
    candidates: [
      {
        host: { name: 'mx.test', port: sink.port, tls: 'starttls' },
        addresses: ['127.0.0.1'],
        proof: { level: 'pinned', pins: { ca: authority.certificate } },
      },
    ],
  }
  const accepted = await post.accept(...['a', 'b', 'c', 'd'].flatMap(name => addresses(10, `${name}.test`)))
  const courier = post.startCourier({ findRoute: () => Promise.resolve(relay), policy: { idle: 60_000 } })
  // A connection that has nothing to do gives way to those of other domains.
  await allDelivered(accepted)
  await courier.stop()
  expect(atOnce).toBeLessThanOrEqual(2)
})

test('a destination gets so many messages a minute', async () => {
  const slow = await post.accept(...addresses(6, 'slow.test'))
  const courier = post.startCourier()
  await allDelivered(slow)
  await courier.stop()
  const statuses = await Promise.all(slow.map(({ message }) => post.status(message)))
  const starts = statuses.map(({ attempts }) => attempts[0]?.startedAt.getTime() ?? 0).sort((a, b) => a - b)
  // Two can go at once, then one each half second.
  expect((starts[5] ?? 0) - (starts[0] ?? 0)).toBeGreaterThan(1_700)
  expect(statuses.every(({ attempts }) => attempts.length === 1)).toBe(true)
})

test('no other destination waits for one that has its minute’s worth', async () => {
  const slow = await post.accept(...addresses(3, 'minute.test'))
  const quick = await post.accept(...addresses(40, 'other.test'))
  const courier = post.startCourier({ policy: { connections: 1, connectionsPerDestination: 1, idle: 50 } })
  await allDelivered(quick)
  const states = await Promise.all(slow.map(async ({ message }) => (await post.status(message)).state))
  await courier.stop()
  expect(states.filter(state => state === 'delivered').length).toBeLessThanOrEqual(1)
})

test('what is beyond the next seconds goes back to the queue for its time', async () => {
  await post.accept(...addresses(80, 'slower.test'))
  const courier = post.startCourier()
  const jobs = async () => {
    const { rows } = await post.owner.raw<{ rows: { later: number; active: number }[] }>(
      `SELECT count(*) FILTER (WHERE state = 'created' AND start_after > now())::int AS later,
              count(*) FILTER (WHERE state = 'active')::int AS active
         FROM pgboss.job_common WHERE name = 'deliver' AND group_id = 'slower.test'`,
    )
    return rows[0] ?? { later: 0, active: 0 }
  }
  await until(async () => (await jobs()).later > 40)
  // The courier holds those of ten seconds, and what it is just recording.
  const { active } = await jobs()
  await courier.stop()
  expect(active).toBeLessThan(40)
})

test('a server that cannot be reached is left alone after a while; mail goes to the next one all along', async () => {
  let knocks = 0
  const dead = createServer(socket => {
    knocks++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(dead, 'listening')
  const { port } = dead.address() as AddressInfo
  const hosts = [port, other.port].map(at => ({ name: 'mx.test', port: at, tls: 'starttls' }) as const)
  await post.route('two.test', { mode: 'pinned', hosts, pins: { ca: authority.certificate } })
  const rest = { after: 3, first: 60_000, max: 60_000, jitter: 0 }
  const courier = post.startCourier({
    policy: { rest, messagesPerConnection: 1, connectionsPerDestination: 1 },
  })
  const accepted = await post.accept(...addresses(15, 'two.test'))
  await allDelivered(accepted)
  await courier.stop()
  dead.close()
  expect(knocks).toBe(3)
  const statuses = await Promise.all(accepted.map(({ message }) => post.status(message)))
  expect(statuses.map(({ attempts }) => attempts.map(({ outcome }) => outcome))).toEqual(
    Array(15).fill(['delivered']),
  )
})

test('a server that puts everything off is tried after the next one', async () => {
  onRcpt = () => Object.assign(new Error('4.3.1 no space'), { responseCode: 452 })
  const hosts = [sink.port, other.port].map(port => ({ name: 'mx.test', port, tls: 'starttls' }) as const)
  await post.route('full.test', { mode: 'pinned', hosts, pins: { ca: authority.certificate } })
  const rest = { after: 3, first: 60_000, max: 60_000, jitter: 0 }
  const courier = post.startCourier({ policy: { rest, connectionsPerDestination: 1 } })
  const accepted = await post.accept(...addresses(6, 'full.test'))
  await allDelivered(accepted)
  await courier.stop()
  const statuses = await Promise.all(accepted.map(({ message }) => post.status(message)))
  const putOff = statuses.flatMap(({ attempts }) => attempts.filter(({ replyCode }) => replyCode === 452))

  expect(putOff).toHaveLength(3)
  for (const { attempts } of statuses) expect(attempts.at(-1)?.port).toBe(other.port)
})
