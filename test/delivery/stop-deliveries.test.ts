import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { stopDeliveries } from '../../src/delivery/index.ts'
import { type DeliveryId, type RecipientCode, systemClock } from '../../src/kernel/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { closeGate, eventually } from '../support/locks.ts'
import { openPost, type Post, pinnedTo } from '../support/post.ts'
import { type Sink, startHostile, startLate, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })

let post: Post
let sink: Sink
let onRcpt: () => Error | undefined
/** Runs before the server's 250 to a message. */
let beforeAnswer: () => Promise<void>
let count = 0
const address = (domain = 'bank.test'): string => `s${++count}@${domain}`

beforeAll(async () => {
  sink = await startSink(identity, {
    onRcptTo: (_to, _session, done) => done(onRcpt()),
    onData(stream, session, done) {
      stream.resume()
      stream.on('end', () => {
        sink.mails.push({ from: '', to: [], bytes: Buffer.of(), connection: session.id })
        void beforeAnswer().then(() => done())
      })
    },
  })
  post = await openPost()
  await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
})
beforeEach(() => {
  onRcpt = () => undefined
  beforeAnswer = () => Promise.resolve()
  sink.mails.length = 0
})
afterEach(() => post.stopCouriers())
afterAll(async () => {
  await post.close()
  await sink.stop()
})

type Which = Parameters<typeof stopDeliveries>[2]
const stop = (which: Which, code: RecipientCode = 'certificate_revoked'): Promise<number> =>
  post.gateway.transaction(trx => stopDeliveries(trx, systemClock, which, code))
const revokeAndStop = (fingerprint: string): Promise<number> =>
  post.gateway.transaction(async trx => {
    await trx('certificates').where({ fingerprint }).update({ state: 'revoked', revoked_at: new Date() })
    return stopDeliveries(trx, systemClock, { certificate: fingerprint }, 'certificate_revoked')
  })
const row = (id: DeliveryId): Promise<unknown> => post.owner('deliveries').where({ id }).first()
/** But for the purge of its ciphertext: see ciphertext-purged.test.ts. */
const events = async (delivery: DeliveryId): Promise<unknown[]> => {
  const bodies = await post.owner('audit_events').orderBy('seq').pluck<string[]>('body')
  return bodies
    .map(body => JSON.parse(body) as { delivery?: string; type: string })
    .filter(event => event.delivery === delivery && event.type !== 'ciphertext.purged')
}

describe('what waits for a key that was stopped', () => {
  test('fails at once by its code; its ciphertext is gone, and no courier finds it', async () => {
    const mine = await post.acceptOne(address())
    const other = await post.acceptOne(address())
    expect(await stop({ certificate: mine.certificate })).toBe(1)
    expect(await row(mine.delivery)).toMatchObject({
      state: 'failed',
      outcome: 'certificate_revoked',
      ciphertext: null,
      next_attempt_at: null,
    })
    expect(await events(mine.delivery)).toMatchObject([
      { type: 'delivery.failed', attempt: 0, outcome: 'certificate_revoked', host: null, tls: null },
    ])
    const courier = post.startCourier()
    await post.until(other.message, ({ state }) => state === 'delivered')
    await eventually('no job is left', async () => {
      const jobs = await post.owner('pgboss.job_common').where({ name: 'deliver' }).select('id')
      return jobs.length === 0
    })
    await courier.stop()
    expect(sink.mails).toHaveLength(1)
    expect(await stop({ certificate: mine.certificate })).toBe(0)
    expect(await events(mine.delivery)).toHaveLength(1)
  })

  test('is found by its recipient as well, also what was deferred; what was delivered stays', async () => {
    const delivered = await post.acceptOne(address())
    const first = post.startCourier()
    await post.until(delivered.message, ({ state }) => state === 'delivered')
    await first.stop()

    onRcpt = () => Object.assign(new Error('later'), { responseCode: 451 })
    const deferred = await post.acceptOne(address())
    const courier = post.startCourier({ policy: { retry: { first: 60_000, max: 60_000, jitter: 0 } } })
    await post.until(deferred.message, ({ state, attempts }) => state === 'queued' && attempts.length === 1)
    await courier.stop()
    expect(await stop({ recipient: deferred.recipient }, 'recipient_not_active')).toBe(1)
    expect(await stop({ recipient: delivered.recipient }, 'recipient_not_active')).toBe(0)
    expect(await row(deferred.delivery)).toMatchObject({ state: 'failed', outcome: 'recipient_not_active' })
    expect(await row(delivered.delivery)).toMatchObject({ state: 'delivered' })
    expect((await events(deferred.delivery)).at(-1)).toMatchObject({ type: 'delivery.failed', attempt: 1 })
  })

  test('is as it was when the transaction does not commit, or an event cannot be written', async () => {
    const mine = await post.acceptOne(address())
    const before = await row(mine.delivery)
    await expect(
      post.gateway.transaction(async trx => {
        await stopDeliveries(trx, systemClock, { certificate: mine.certificate }, 'certificate_revoked')
        throw new Error('thought better of it')
      }),
    ).rejects.toThrow('thought better')
    expect(await row(mine.delivery)).toEqual(before)
    await post.owner.raw(`CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'broken by the test'; END $$`)
    await post.owner.raw(
      'CREATE TRIGGER broken BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION break()',
    )
    try {
      await expect(stop({ certificate: mine.certificate })).rejects.toThrow()
    } finally {
      await post.owner.raw('DROP TRIGGER broken ON audit_events')
      await post.owner.raw('DROP FUNCTION break()')
    }
    expect(await row(mine.delivery)).toEqual(before)
    await stop({ certificate: mine.certificate })
  })

  test('is stopped however much it is', async () => {
    const many = await post.accept(...Array.from({ length: 1200 }, () => address('many.test')))
    const [{ certificate } = { certificate: '' }] = many
    await post
      .owner('deliveries')
      .whereIn(
        'id',
        many.map(({ delivery }) => delivery),
      )
      .update({ certificate, encryption_subkey: certificate })
    expect(await stop({ certificate })).toBe(1200)
    const left = await post.owner('deliveries').where({ certificate, state: 'queued' }).select('id')
    expect(left).toEqual([])
  })
})

describe('a courier that is at work on it', () => {
  test('and has no answer to its connection yet, sends no MAIL FROM', async () => {
    const server = await startLate(identity)
    await post.route('late.test', pinnedTo(authority.certificate, server.port, 'implicit'))
    const mine = await post.acceptOne(address('late.test'))
    const patient = {
      connect: 30_000,
      reply: 30_000,
      opening: 30_000,
      transaction: 30_000,
      bytesPerSecond: 1,
    }
    const courier = post.startCourier({ policy: { limits: patient } })
    await server.connected
    expect(await revokeAndStop(mine.certificate)).toBe(1)
    server.greet()
    await eventually('greeted', () => server.asked.length > 0)
    await courier.stop()
    await server.stop()
    expect(server.asked.filter(line => !/^(?:EHLO|QUIT)/.test(line))).toEqual([])
    expect(await events(mine.delivery)).toHaveLength(1)
    expect(await row(mine.delivery)).toMatchObject({ state: 'failed', outcome: 'certificate_revoked' })
  })

  test('and has sent it already, says so: what a server took is never called stopped', async () => {
    const answer = Promise.withResolvers<undefined>()
    beforeAnswer = () => answer.promise
    const mine = await post.acceptOne(address())
    const courier = post.startCourier({
      policy: { limits: { connect: 9e3, reply: 9e3, opening: 9e3, transaction: 9e3, bytesPerSecond: 1e6 } },
    })
    await eventually('arrived', () => sink.mails.length === 1)
    expect(await revokeAndStop(mine.certificate)).toBe(0)
    answer.resolve(undefined)
    await post.until(mine.message, ({ state }) => state === 'delivered')
    await courier.stop()
    expect(await events(mine.delivery)).toMatchObject([{ type: 'delivery.delivered' }])
  })

  test('and is recording that nobody answered: neither waits for the other, and it does not go out', async () => {
    const dead = await startHostile(identity, () => Promise.reject(new Error('hangs up')))
    await post.route('dead.test', pinnedTo(authority.certificate, dead.port))
    const mine = await post.acceptOne(address('dead.test'))
    // The courier's transaction holds the row of the queued delivery, and stands still before its attempt is written.
    const gate = await closeGate(post.owner, post.database.superuser, 'attempts')
    const courier = post.startCourier()
    await gate.reached()
    expect(await row(mine.delivery)).toMatchObject({ state: 'queued', attempts: 0 })
    expect(await revokeAndStop(mine.certificate)).toBe(0)
    await post.route('dead.test', pinnedTo(authority.certificate, sink.port))
    await gate.open()
    const status = await post.until(mine.message, ({ state }) => state === 'failed')
    await courier.stop()
    await dead.stop()
    expect(status).toMatchObject({ outcome: 'certificate_revoked' })
    expect(sink.mails).toEqual([])
  })

  test('and is just about to record it, is waited for: it is stopped in the same transaction', async () => {
    onRcpt = () => Object.assign(new Error('later'), { responseCode: 451 })
    const mine = await post.acceptOne(address())
    const gate = await closeGate(post.owner, post.database.superuser, 'attempts')
    const courier = post.startCourier({ policy: { retry: { first: 60_000, max: 60_000, jitter: 0 } } })
    await gate.reached()
    const holder = await post.owner.transaction()
    // The row is queued for everybody else and locked: as in the moment between the courier's UPDATE and its commit.
    await gate.open()
    await post.until(mine.message, ({ state, attempts }) => state === 'queued' && attempts.length === 1)
    await holder('deliveries').where({ id: mine.delivery }).forUpdate().select('id')
    const stopping = revokeAndStop(mine.certificate)
    await new Promise(resolve => setTimeout(resolve, 100))
    await holder.commit()
    expect(await stopping).toBe(1)
    await courier.stop()
    expect(await row(mine.delivery)).toMatchObject({ state: 'failed', outcome: 'certificate_revoked' })
  })
})
