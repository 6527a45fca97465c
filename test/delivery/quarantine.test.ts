import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { cancelDelivery, releaseDelivery } from '../../src/delivery/quarantine/decide.ts'
import { giveUpWhatIsOver } from '../../src/delivery/quarantine/give-up.ts'
import { listQuarantined } from '../../src/delivery/quarantine/store.ts'
import { stopDeliveries } from '../../src/delivery/stop.ts'
import { beginAttempts } from '../../src/delivery/store.ts'
import { type DeliveryId, newId, systemClock } from '../../src/kernel/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { type Accepted, hasty, openPost, type Post, pinnedTo } from '../support/post.ts'
import { type HostileServer, type Sink, startHostile, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })

let post: Post
let sink: Sink
let raving: HostileServer
let greets = true
let count = 0
const retry = { first: 20, max: 20, jitter: 0 }

beforeAll(async () => {
  sink = await startSink(identity)
  raving = await startHostile(identity, async client => {
    client.send(greets ? '220 mx\r\n' : 'hello\r\n')
    await client.line()
    client.send('250-mx.test\r\n250 STARTTLS\r\n')
    await client.line()
    client.send('220 go\r\n')
    await client.startTls()
    await client.line()
    client.send('250 mx.test\r\n')
    await client.line()
    client.send('2500 ok\r\n')
  })
  post = await openPost()
  await post.owner('operators').insert({
    id: operator,
    name: 'Ada',
    address: 'ada@house.test',
    roles: ['admin'],
    created_at: new Date(),
  })
  await post.route('sound.test', pinnedTo(authority.certificate, sink.port))
  await post.route('raving.test', pinnedTo(authority.certificate, raving.port))
})
beforeEach(() => {
  greets = true
  sink.mails.length = 0
})
afterAll(async () => {
  await post.close()
  await sink.stop()
  await raving.stop()
})

/** But for the purge of its ciphertext: see ciphertext-purged.test.ts. */
const eventsOf = async (delivery: DeliveryId): Promise<{ type: string; actor: unknown }[]> => {
  const bodies = await post.owner('audit_events').orderBy('seq').pluck<string[]>('body')
  return bodies
    .map(body => JSON.parse(body) as { type: string; actor: unknown; delivery?: string })
    .filter(event => event.delivery === delivery && event.type !== 'ciphertext.purged')
}
const jobsOf = async (delivery: DeliveryId): Promise<number> => {
  const rows: unknown[] = await post
    .owner('pgboss.job_common')
    .whereRaw(`data ->> 'delivery' = ?`, [delivery])
  return rows.length
}
const row = (id: DeliveryId): Promise<Record<string, unknown>> =>
  post.owner('deliveries').where({ id }).first<Record<string, unknown>>()
/** One that nobody tried yet, as if so many attempts had broken off. */
const struck = async (domain: string, strikes: number): Promise<Accepted> => {
  const accepted = await post.acceptOne(`r${++count}@${domain}`)
  await post.owner('deliveries').where({ id: accepted.delivery }).update({ strikes })
  return accepted
}
const quarantined = async (): Promise<Accepted> => {
  const accepted = await struck('sound.test', 5)
  const courier = post.startCourier()
  await post.until(accepted.message, ({ state }) => state === 'quarantined')
  await courier.stop()
  return accepted
}
const operator = newId('opr', systemClock)

test('a message at which the server talks nonsense five times in a row waits for an operator, ciphertext kept', async () => {
  const accepted = await post.acceptOne(`r${++count}@raving.test`)
  const courier = post.startCourier({ policy: { retry } })
  const status = await post.until(accepted.message, ({ state }) => state === 'quarantined')
  await courier.stop()
  expect(status).toMatchObject({ outcome: 'protocol_violation' })
  expect(status.nextAttemptAt).toBeUndefined()
  expect(status.settledAt).toBeUndefined()
  expect(status.attempts.map(({ outcome }) => outcome)).toEqual(Array(5).fill('protocol_violation'))
  expect(await row(accepted.delivery)).toMatchObject({ ciphertext: accepted.ciphertext, strikes: 5 })
  expect(await jobsOf(accepted.delivery)).toBe(0)
  expect((await eventsOf(accepted.delivery)).map(({ type }) => type)).toEqual([
    ...Array<string>(5).fill('delivery.deferred'),
    'delivery.quarantined',
  ])
})

test('nonsense before MAIL FROM says nothing of the message: it is tried on', async () => {
  greets = false
  const accepted = await post.acceptOne(`r${++count}@raving.test`)
  const courier = post.startCourier({
    policy: { retry, rest: { after: 1_000, first: 10, max: 10, jitter: 0 } },
  })
  await post.until(accepted.message, ({ attempts }) => attempts.length > 7)
  await courier.stop()
  expect(await row(accepted.delivery)).toMatchObject({
    state: 'queued',
    outcome: 'protocol_violation',
    strikes: 0,
  })
})

test('what goes wrong within us counts, and one attempt that ends otherwise wipes it out', async () => {
  const accepted = await struck('sound.test', 4)
  const throwing = () => {
    throw new Error('a bug')
  }
  const refusing = post.startCourier({ policyAt: () => Promise.resolve(undefined), admit: throwing })
  await post.until(accepted.message, ({ attempts }) => attempts.length > 0)
  await refusing.stop()
  expect(await row(accepted.delivery)).toMatchObject({ state: 'queued', strikes: 0 })
  await post
    .owner('deliveries')
    .where({ id: accepted.delivery })
    .update({ give_up_at: new Date(0) })
})

test('one that was begun five times and never heard of again is not begun a sixth time', async () => {
  const accepted = await quarantined()
  expect(sink.mails.map(({ to }) => to)).not.toContainEqual([expect.stringContaining(`r${count}@`)])
  expect(await row(accepted.delivery)).toMatchObject({
    outcome: 'internal_error',
    ciphertext: accepted.ciphertext,
  })
  expect((await listQuarantined(post.gateway, { limit: 1000 })).map(({ id }) => id)).toContain(
    accepted.delivery,
  )
})

test('each attempt counts from when it begins, so that a courier that dies with it is counted', async () => {
  const accepted = await post.acceptOne(`r${++count}@sound.test`)
  for (const attempts of [0, 1]) await beginAttempts(post.gateway, [{ id: accepted.delivery, attempts }])
  expect(await row(accepted.delivery)).toMatchObject({ state: 'sending', attempts: 2, strikes: 2 })
  const courier = post.startCourier()
  await post.until(accepted.message, ({ state }) => state === 'delivered')
  await courier.stop()
  expect(await row(accepted.delivery)).toMatchObject({ strikes: 0 })
})

test('an operator releases it: it goes out, its attempts count on, and who did it is recorded', async () => {
  const accepted = await quarantined()
  await releaseDelivery(post.gateway, systemClock, post.queue, operator, accepted.delivery)
  expect(await row(accepted.delivery)).toMatchObject({ state: 'queued', released_by: operator, strikes: 0 })
  const courier = post.startCourier({ policy: hasty })
  const status = await post.until(accepted.message, ({ state }) => state === 'delivered')
  await courier.stop()
  expect(status.attempts.map(({ outcome }) => outcome)).toEqual(['internal_error', 'delivered'])
  expect(sink.mails).toHaveLength(1)
  expect(await eventsOf(accepted.delivery)).toMatchObject([
    { type: 'delivery.deferred' },
    { type: 'delivery.quarantined' },
    { type: 'delivery.released', actor: { kind: 'operator', id: operator } },
    { type: 'delivery.delivered' },
  ])
})

test('an operator cancels it: failed, its ciphertext gone', async () => {
  const accepted = await quarantined()
  await cancelDelivery(post.gateway, systemClock, operator, accepted.delivery)
  expect(await row(accepted.delivery)).toMatchObject({
    state: 'failed',
    outcome: 'cancelled',
    ciphertext: null,
  })
  expect((await eventsOf(accepted.delivery)).at(-1)).toMatchObject({
    type: 'delivery.cancelled',
    actor: { kind: 'operator', id: operator },
  })
  const twice = cancelDelivery(post.gateway, systemClock, operator, accepted.delivery)
  await expect(twice).rejects.toMatchObject({ code: 'state_conflict' })
})

test.each([
  ['one that is queued', () => post.acceptOne(`r${++count}@sound.test`), 'state_conflict'],
  ['one that is not there', () => ({ delivery: newId('dlv', systemClock) }), 'not_found'],
])('nobody decides on %s', async (_, make, code) => {
  const { delivery } = await make()
  await expect(cancelDelivery(post.gateway, systemClock, undefined, delivery)).rejects.toMatchObject({ code })
  await expect(
    releaseDelivery(post.gateway, systemClock, post.queue, undefined, delivery),
  ).rejects.toMatchObject({ code })
  expect(await eventsOf(delivery)).toEqual([])
  await post.owner('deliveries').where({ id: delivery }).update({ state: 'failed', ciphertext: null })
})

test('when the event of a release cannot be written, nothing was released', async () => {
  const { delivery } = await quarantined()
  await post.owner.raw(`CREATE FUNCTION break_release() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'broken by the test'; END $$`)
  await post.owner.raw(
    `CREATE TRIGGER broken BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION break_release()`,
  )
  try {
    await expect(
      releaseDelivery(post.gateway, systemClock, post.queue, undefined, delivery),
    ).rejects.toThrow()
  } finally {
    await post.owner.raw(`DROP TRIGGER broken ON audit_events`)
  }
  expect(await row(delivery)).toMatchObject({ state: 'quarantined' })
  expect(await jobsOf(delivery)).toBe(0)
})

test('revocation ends it in quarantine too', async () => {
  const { delivery, certificate } = await quarantined()
  const stopped = await post.gateway.transaction(trx =>
    stopDeliveries(trx, systemClock, { certificate }, 'certificate_revoked'),
  )
  expect(stopped).toBe(1)
  expect(await row(delivery)).toMatchObject({
    state: 'failed',
    outcome: 'certificate_revoked',
    ciphertext: null,
  })
  expect((await eventsOf(delivery)).at(-1)).toMatchObject({
    type: 'delivery.failed',
    outcome: 'certificate_revoked',
  })
})

test('it is given up when its time is over, by whichever courier looks', async () => {
  const { delivery, message } = await quarantined()
  expect(await giveUpWhatIsOver(post.gateway, systemClock)).toBe(0)
  await post
    .owner('deliveries')
    .where({ id: delivery })
    .update({ give_up_at: new Date(0) })
  const courier = post.startCourier({ policy: { quarantineSweep: 30 } })
  const status = await post.until(message, ({ state }) => state === 'failed')
  await courier.stop()
  expect(status).toMatchObject({ outcome: 'gave_up' })
  expect(await row(delivery)).toMatchObject({ ciphertext: null })
  expect((await eventsOf(delivery)).at(-1)).toMatchObject({ type: 'delivery.failed', outcome: 'gave_up' })
})
