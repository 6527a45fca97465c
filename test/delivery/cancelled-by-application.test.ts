import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cancelDeliveries } from '../../src/delivery/index.ts'
import { type ApplicationId, type DeliveryId, type MessageId, systemClock } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { closeGate, eventually } from '../support/locks.ts'
import { type Accepted, openPost, type Post, pinnedTo } from '../support/post.ts'
import { type Sink, startLate, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })

let post: Post
let sink: Sink
let application: ApplicationId
/** What the server says to RCPT TO; undefined: 250. */
let onRcpt: () => Error | undefined
let count = 0
const address = (domain = 'bank.test'): string => `c${++count}@${domain}`

beforeAll(async () => {
  sink = await startSink(identity, { onRcptTo: (_to, _session, done) => done(onRcpt()) })
  post = await openPost()
  await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
  application = (await post.owner('applications').first<{ id: ApplicationId }>('id')).id
})
beforeEach(() => {
  onRcpt = () => undefined
  sink.mails.length = 0
})
afterEach(() => post.stopCouriers())
afterAll(async () => {
  await post.close()
  await sink.stop()
})

const cancel = (message: MessageId): Promise<void> =>
  cancelDeliveries(post.gateway, systemClock, application, message)
const session = { applicationName: 'test', statementTimeout: 30_000, poolSize: 1 }
const waitForRows = `FROM pg_locks JOIN pg_stat_activity USING (pid)
  WHERE NOT granted AND pg_locks.locktype IN ('transactionid', 'tuple') AND datname = current_database()`
/** A busy machine must not end a session that waits for the test. */
const patient = { connect: 6e4, reply: 6e4, opening: 6e4, transaction: 6e4, bytesPerSecond: 1 }
const row = (id: DeliveryId): Promise<unknown> => post.owner('deliveries').where({ id }).first()
const events = async (delivery: DeliveryId): Promise<{ type: string; xact: string }[]> => {
  const rows = await post
    .owner('audit_events')
    .whereRaw(`body::jsonb ->> 'delivery' = ?`, [delivery])
    .orderBy('seq')
    .select<{ body: string; xact: string }[]>('body', post.owner.raw('xact::text AS xact'))
  return rows.map(({ body, xact }) => ({ ...(JSON.parse(body) as { type: string }), xact }))
}
async function isCancelled({ message, delivery }: Accepted): Promise<void> {
  expect(await row(delivery)).toMatchObject({
    state: 'failed',
    outcome: 'cancelled_by_application',
    ciphertext: null,
    next_attempt_at: null,
    quarantined_at: null,
  })
  const [cancelled, purged, ...more] = (await events(delivery)).slice(-2)
  expect(cancelled).toMatchObject({
    type: 'delivery.cancelled',
    actor: { kind: 'application', id: application },
    outcome: 'cancelled_by_application',
  })
  expect(purged).toMatchObject({ type: 'ciphertext.purged', xact: cancelled?.xact })
  expect(more).toEqual([])
  expect(sink.mails.flatMap(({ to }) => to)).not.toContain((await post.status(message)).recipient)
}

describe('what waits', () => {
  test('ends at once, and no courier finds it', async () => {
    const [mine, other] = [await post.acceptOne(address()), await post.acceptOne(address())]
    await cancel(mine.message)
    await isCancelled(mine)
    const courier = post.startCourier()
    await post.until(other.message, ({ state }) => state === 'delivered')
    await eventually('no job is left', async () => {
      const jobs = await post.owner('pgboss.job_common').where({ name: 'deliver' }).select('id')
      return jobs.length === 0
    })
    await courier.stop()
    await isCancelled(mine)
    expect(sink.mails).toHaveLength(1)
  })

  test('for its next attempt, or in quarantine, ends as well', async () => {
    onRcpt = () => Object.assign(new Error('later'), { responseCode: 451 })
    const [deferred, quarantined] = [await post.acceptOne(address()), await post.acceptOne(address())]
    await post
      .owner('deliveries')
      .where({ id: quarantined.delivery })
      .update({ state: 'quarantined', quarantined_at: new Date(), next_attempt_at: null })
    const courier = post.startCourier({ policy: { retry: { first: 60_000, max: 60_000, jitter: 0 } } })
    await post.until(deferred.message, ({ state, attempts }) => state === 'queued' && attempts.length === 1)
    await courier.stop()
    for (const one of [deferred, quarantined]) {
      await cancel(one.message)
      await isCancelled(one)
    }
  })

  test('is cancelled once: again does no harm, and adds no event', async () => {
    const mine = await post.acceptOne(address())
    await Promise.all([cancel(mine.message), cancel(mine.message), cancel(mine.message)])
    await cancel(mine.message)
    await isCancelled(mine)
    expect(await events(mine.delivery)).toHaveLength(2)
  })

  test('stays as it was when the event cannot be written', async () => {
    const mine = await post.acceptOne(address())
    const before = await row(mine.delivery)
    await post.owner.raw(
      `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'delivery.cancelled') NOT VALID`,
    )
    await expect(cancel(mine.message)).rejects.toMatchObject({ code: 'audit_unavailable' })
    await post.owner.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
    expect(await row(mine.delivery)).toEqual(before)
    await cancel(mine.message)
  })
})

test('what is settled stays what it is', async () => {
  const mine = await post.acceptOne(address())
  const courier = post.startCourier()
  await post.until(mine.message, ({ state }) => state === 'delivered')
  await courier.stop()
  const [before, told] = [await row(mine.delivery), await events(mine.delivery)]
  await expect(cancel(mine.message)).rejects.toMatchObject({ code: 'nothing_to_cancel' })
  expect(await row(mine.delivery)).toEqual(before)
  expect(await events(mine.delivery)).toEqual(told)
})

describe('a courier that is at work on it', () => {
  test('and has no answer to its connection yet, sends no MAIL FROM', async () => {
    const server = await startLate(identity)
    await post.route('late.test', pinnedTo(authority.certificate, server.port, 'implicit'))
    const mine = await post.acceptOne(address('late.test'))
    const courier = post.startCourier({ policy: { limits: patient } })
    await server.connected
    await cancel(mine.message)
    server.greet()
    await eventually('greeted', () => server.asked.length > 0)
    await courier.stop()
    await server.stop()
    expect(server.asked.filter(line => !/^(?:EHLO|QUIT)/.test(line))).toEqual([])
    await isCancelled(mine)
  })

  test('and was just about to begin, finds it cancelled: the cancellation was first', async () => {
    const mine = await post.acceptOne(address())
    const gate = await closeGate(post.owner, post.database.superuser, 'audit_events')
    const cancelling = cancel(mine.message)
    await gate.reached()
    const courier = post.startCourier({ policy: { limits: patient } })
    await eventually('the courier waits for the row', async () => (await waitingForRows()) > 0)
    await gate.open()
    await cancelling
    await eventually('the courier has let go', async () => (await waitingForRows()) === 0)
    await courier.stop()
    await isCancelled(mine)
    expect(await events(mine.delivery)).toHaveLength(2)
  })

  test('and has just begun, sends it: the cancellation waits, and says that there is nothing to cancel', async () => {
    const mine = await post.acceptOne(address())
    const gate = await closeGate(post.owner, post.database.superuser, 'deliveries', {
      updated: `NEW.state = 'sending'`,
    })
    const courier = post.startCourier({ policy: { limits: patient } })
    await gate.reached()
    expect(await row(mine.delivery)).toMatchObject({ state: 'queued', attempts: 0 })
    const cancelling = cancel(mine.message).catch((error: unknown) => error)
    await eventually('the cancellation waits for the row', async () => (await waitingForRows()) > 0)
    await gate.open()
    expect(await cancelling).toMatchObject({ code: 'nothing_to_cancel' })
    await post.until(mine.message, ({ state }) => state === 'delivered')
    await courier.stop()
    expect(sink.mails).toHaveLength(1)
    expect((await events(mine.delivery)).map(({ type }) => type)).toEqual([
      'delivery.delivered',
      'ciphertext.purged',
    ])
  })

  test('and is recording what became of one of several, is waited for, and can go on meanwhile', async () => {
    const [mine, held] = await post.accept(address(), address())
    if (mine === undefined || held === undefined) throw new Error('two were accepted')
    await post
      .owner('deliveries')
      .where({ id: held.delivery })
      .update({ message_id: mine.message, position: 1 })
    // As in the moment between the courier's UPDATE and its commit: queued for everybody else, and locked.
    const courier = await post.gateway.transaction()
    await courier('deliveries').where({ id: held.delivery }).update({ outcome: 'greylisted', strikes: 0 })
    const cancelling = cancel(mine.message)
    await eventually('the cancellation waits for the row', async () => (await waitingForRows()) > 0)
    // Whatever the courier takes next is not held by who waits for it.
    await courier('deliveries').where({ id: mine.delivery }).update({ strikes: 0 })
    await courier.commit()
    await cancelling
    const rows = await post.owner('deliveries').where({ message_id: mine.message }).select('state', 'outcome')
    expect(rows).toEqual(Array(2).fill({ state: 'failed', outcome: 'cancelled_by_application' }))
  })

  test('a crash here leaves those that a courier had locked: the application asks again', async () => {
    const [mine, held] = await post.accept(address(), address())
    if (mine === undefined || held === undefined) throw new Error('two were accepted')
    await post
      .owner('deliveries')
      .where({ id: held.delivery })
      .update({ message_id: mine.message, position: 1 })
    const courier = await post.gateway.transaction()
    await courier('deliveries').where({ id: held.delivery }).update({ strikes: 0 })
    const cancelling = cancel(mine.message).catch((error: unknown) => error)
    await eventually('the cancellation waits for the row', async () => (await waitingForRows()) > 0)
    const superuser = openDatabase(post.database.superuser, session)
    await superuser.knex.raw(`SELECT pg_terminate_backend(pid) ${waitForRows}`)
    await superuser.close()
    expect(await cancelling).toMatchObject({ code: 'database_unavailable' })
    await courier.commit()
    await isCancelled(mine)
    expect(await row(held.delivery)).toMatchObject({ state: 'queued' })
    await cancel(mine.message)
    await isCancelled({ ...held, message: mine.message })
  })
})

/** How many transactions wait for another one that holds a row. */
async function waitingForRows(): Promise<number> {
  const { rowCount } = await post.owner.raw<{ rowCount: number }>(`SELECT ${waitForRows}`)
  return rowCount
}
