import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { releaseDelivery } from '../../src/delivery/index.ts'
import { giveUpWhatIsOver } from '../../src/delivery/quarantine/give-up.ts'
import { type Clock, type DeliveryId, systemClock } from '../../src/kernel/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { closeGate, eventually } from '../support/locks.ts'
import { type Accepted, openPost, type Post, pinnedTo } from '../support/post.ts'
import { type Sink, startLate, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })
const hour = 3_600_000
const patient = { connect: 6e4, reply: 6e4, opening: 6e4, transaction: 6e4, bytesPerSecond: 1 }

let post: Post
let sink: Sink
let onRcpt: () => Error | undefined
let count = 0
/** How far the courier's clock is ahead, in milliseconds. */
let ahead = 0
const clock: Clock = { now: () => new Date(Date.now() + ahead) }

beforeAll(async () => {
  sink = await startSink(identity, { onRcptTo: (_to, _session, done) => done(onRcpt()) })
  post = await openPost()
  await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
})
beforeEach(() => {
  onRcpt = () => undefined
  ahead = 0
  sink.mails.length = 0
})
afterEach(() => post.stopCouriers())
afterAll(async () => {
  await post.close()
  await sink.stop()
})

/** A message that expires in an hour. */
async function accept(domain = 'bank.test'): Promise<Accepted> {
  const accepted = await post.acceptOne(`e${++count}@${domain}`)
  const at = new Date(Date.now() + hour)
  await post.owner('messages').where({ id: accepted.message }).update({ expires_at: at })
  await post.owner('deliveries').where({ id: accepted.delivery }).update({ give_up_at: at })
  return accepted
}
const row = (id: DeliveryId): Promise<unknown> => post.owner('deliveries').where({ id }).first()
const events = async (delivery: DeliveryId): Promise<readonly unknown[]> => {
  const bodies = await post
    .owner('audit_events')
    .whereRaw(`body::jsonb ->> 'delivery' = ?`, [delivery])
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as unknown)
}
/** It ended without an attempt more than those `begun` in its time. */
async function isExpired({ message, delivery }: Accepted, begun: readonly string[] = []): Promise<void> {
  const status = await post.until(message, ({ state }) => state === 'failed')
  expect(status.outcome).toBe('expired')
  expect(status.attempts.map(({ outcome }) => outcome)).toEqual(begun)
  expect(await row(delivery)).toMatchObject({
    attempts: begun.length,
    ciphertext: null,
    next_attempt_at: null,
  })
  expect((await events(delivery)).slice(-2)).toMatchObject([
    { type: 'delivery.failed', outcome: 'expired', attempt: begun.length, host: null, tls: null },
    { type: 'ciphertext.purged' },
  ])
  expect(sink.mails).toEqual([])
}

test('what no courier came to in its time is not sent, and ends; its job is gone', async () => {
  const mine = await accept()
  ahead = hour
  const courier = post.startCourier({ clock })
  await isExpired(mine)
  await eventually('no job is left', async () => {
    const jobs = await post.owner('pgboss.job_common').where({ name: 'deliver' }).select('id')
    return jobs.length === 0
  })
  await courier.stop()
  expect(sink.connections).toBe(0)
})

test('in its time it is sent, like any other', async () => {
  const mine = await accept()
  ahead = hour - 60_000
  const courier = post.startCourier({ clock })
  await post.until(mine.message, ({ state }) => state === 'delivered')
  await courier.stop()
})

describe('what expires while a courier has it', () => {
  test('and waits for the server, gets no MAIL FROM, and no attempt is begun', async () => {
    const server = await startLate(identity)
    await post.route('late.test', pinnedTo(authority.certificate, server.port, 'implicit'))
    const mine = await accept('late.test')
    const courier = post.startCourier({ clock, policy: { limits: patient } })
    await server.connected
    ahead = hour
    server.greet()
    await isExpired(mine)
    await courier.stop()
    await server.stop()
    expect(server.asked.filter(line => !/^(?:EHLO|QUIT)/.test(line))).toEqual([])
  })

  test('and waits for the database, gets no MAIL FROM', async () => {
    const mine = await accept()
    const gate = await closeGate(post.owner, post.database.superuser, 'deliveries', {
      updated: `NEW.state = 'sending'`,
    })
    const courier = post.startCourier({ clock, policy: { limits: patient } })
    await gate.reached()
    ahead = hour
    await gate.open()
    // This attempt was begun in time, and did not get as far.
    await isExpired(mine, ['expired'])
    await courier.stop()
  })

  test('and the courier died of it, ends with the next', async () => {
    const mine = await accept()
    await post.owner('deliveries').where({ id: mine.delivery }).update({ state: 'sending', attempts: 1 })
    ahead = hour
    const courier = post.startCourier({ clock })
    const status = await post.until(mine.message, ({ state }) => state === 'failed')
    await courier.stop()
    expect(status).toMatchObject({ outcome: 'expired', attempts: [] })
    expect(sink.mails).toEqual([])
  })
})

test('what was put off ends when its next attempt would come too late', async () => {
  onRcpt = () => Object.assign(new Error('later'), { responseCode: 451 })
  const mine = await accept()
  const courier = post.startCourier({ policy: { retry: { first: 2 * hour, max: 2 * hour, jitter: 0 } } })
  const status = await post.until(mine.message, ({ state }) => state === 'failed')
  await courier.stop()
  expect(status).toMatchObject({ outcome: 'expired', attempts: [{ outcome: 'server_busy' }] })
})

describe('in quarantine', () => {
  const quarantined = async (): Promise<Accepted> => {
    const mine = await accept()
    await post
      .owner('deliveries')
      .where({ id: mine.delivery })
      .update({ state: 'quarantined', quarantined_at: new Date(), next_attempt_at: null })
    return mine
  }

  test('it ends without an operator', async () => {
    const mine = await quarantined()
    await giveUpWhatIsOver(post.gateway, clock)
    expect(await row(mine.delivery)).toMatchObject({ state: 'quarantined' })
    ahead = hour
    await giveUpWhatIsOver(post.gateway, clock)
    await isExpired(mine)
  })

  test('an operator who releases it too late does not get it sent', async () => {
    const mine = await quarantined()
    ahead = hour
    await releaseDelivery(post.gateway, systemClock, post.queue, undefined, mine.delivery)
    const courier = post.startCourier({ clock })
    await isExpired(mine)
    await courier.stop()
  })
})
