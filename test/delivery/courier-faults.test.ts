import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { findPending } from '../../src/delivery/store.ts'
import { deliverQueue } from '../../src/platform/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { lockTable } from '../support/locks.ts'
import { type Accepted, hasty, openPost, type Post, pinnedTo } from '../support/post.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })

let post: Post
let sink: Sink
/** Runs when a message has arrived, before the server's 250. */
let beforeAnswer: () => Promise<void>
let count = 0
const address = (): string => `f${++count}@bank.test`
const children = new Set<ChildProcess>()

beforeAll(async () => {
  sink = await startSink(identity, {
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { rcptTo } = session.envelope
        const mail = {
          from: '',
          to: rcptTo.map(to => to.address),
          bytes: Buffer.concat(chunks),
          connection: session.id,
        }
        sink.mails.push(mail)
        void beforeAnswer().then(() => done())
      })
    },
  })
  post = await openPost()
  await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
})
beforeEach(() => {
  beforeAnswer = () => Promise.resolve()
  sink.mails.length = 0
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  await post.stopCouriers()
})
afterAll(async () => {
  await post.close()
  await sink.stop()
})

/** A courier in a process of its own, on the same database. */
async function startProcess(): Promise<ChildProcess> {
  const child = fork(new URL('../support/courier-process.ts', import.meta.url), {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.add(child)
  child.send({ gateway: post.database.gateway, policy: hasty })
  await once(child, 'message')
  return child
}

/** As if the heartbeats of every job at work had ended a minute ago, and the queue had just noticed. */
async function heartbeatsEnded(): Promise<void> {
  const active = post.owner('pgboss.job_common').where({ state: 'active' })
  for (let left = true; left; left = (await active.clone().select('id')).length > 0) {
    await active.clone().update({ heartbeat_on: post.owner.raw("heartbeat_on - interval '1 minute'") })
    await post.owner('pgboss.queue').update({ monitor_on: null, monitor_claim_on: null })
    await post.queue.supervise('deliver')
  }
}

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 10))
}

test('a courier killed between the final dot and its 250: another sends the same bytes again', async () => {
  beforeAnswer = () => new Promise(() => undefined)
  const accepted = await post.acceptOne(address())
  const child = await startProcess()
  await until(() => sink.mails.length === 1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await post.status(accepted.message)).toMatchObject({ state: 'sending', attempts: [] })

  beforeAnswer = () => Promise.resolve()
  await heartbeatsEnded()
  const courier = post.startCourier()
  const status = await post.until(accepted.message, ({ state }) => state === 'delivered')
  await courier.stop()
  expect(status.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([[2, 'delivered']])
  expect(sink.mails).toHaveLength(2)
  expect(sink.mails[1]?.bytes.equals(sink.mails[0]?.bytes ?? Buffer.of())).toBe(true)
})

test('a courier that was paused and comes back changes nothing of what another did since', async () => {
  let answer: (() => void) | undefined
  beforeAnswer = () =>
    new Promise(resolve => {
      answer = resolve
    })
  const accepted = await post.acceptOne(address())
  const child = await startProcess()
  await until(() => answer !== undefined)
  child.kill('SIGSTOP')
  const late = answer
  beforeAnswer = () => Promise.resolve()

  await heartbeatsEnded()
  const courier = post.startCourier()
  const status = await post.until(accepted.message, ({ state }) => state === 'delivered')
  await courier.stop()
  const row: unknown = await post.owner('deliveries').where({ id: accepted.delivery }).first()

  late?.()
  child.kill('SIGCONT')
  await new Promise(resolve => setTimeout(resolve, 500))
  child.kill('SIGKILL')
  expect(await post.owner('deliveries').where({ id: accepted.delivery }).first()).toEqual(row)
  const after = await post.status(accepted.message)
  expect(after).toMatchObject({ state: status.state, settledAt: status.settledAt })
  expect(after.attempts.find(({ number }) => number === 2)).toEqual(status.attempts[0])
})

test('a courier that comes back before it sent does not send', async () => {
  const accepted = await post.acceptOne(address())
  const answer = Promise.withResolvers<undefined>()
  beforeAnswer = () => answer.promise
  // It has the job and is stopped while it asks about the recipient's certificate.
  const lock = await lockTable(post.database.superuser, 'certificates')
  const child = await startProcess()
  await until(async () => (await post.owner('pgboss.job_common').where({ state: 'active' })).length === 1)
  child.kill('SIGSTOP')
  await lock.open()
  await heartbeatsEnded()
  // The other one is at the same delivery and has no answer yet, so that only the fence can hold the first back; and
  // it is patient enough not to give up and send again by itself.
  const limits = { ...hasty.limits, reply: 15_000, transaction: 15_000 }
  const courier = post.startCourier({ policy: { limits } })
  await until(() => sink.mails.length === 1)
  child.kill('SIGCONT')
  await new Promise(resolve => setTimeout(resolve, 1_000))
  expect(sink.mails).toHaveLength(1)
  child.kill('SIGKILL')
  answer.resolve(undefined)
  await post.until(accepted.message, ({ state }) => state === 'delivered')
  await courier.stop()
})

test('a courier that was paused before it looked at its job is not given the fence of the one that has the job now', async () => {
  const accepted = await post.acceptOne(address())
  const [job] = await post.queue.fetch<{ delivery: unknown }>(deliverQueue)
  if (job === undefined) throw new Error('no job')
  const fetched = [{ id: job.id, retryCount: job.retryCount, delivery: accepted.delivery }]
  expect(await findPending(post.gateway, fetched)).toMatchObject([{ id: accepted.delivery, attempts: 0 }])

  const answer = Promise.withResolvers<undefined>()
  beforeAnswer = () => answer.promise
  await heartbeatsEnded()
  const courier = post.startCourier()
  await until(() => sink.mails.length === 1)
  expect(await findPending(post.gateway, fetched)).toEqual([])
  answer.resolve(undefined)
  await post.until(accepted.message, ({ state }) => state === 'delivered')
  await courier.stop()
})

const faults: Record<string, readonly [table: string, event: string]> = {
  attempt: ['attempts', 'INSERT'],
  'audit event': ['audit_events', 'INSERT'],
  delivery: ['deliveries', 'UPDATE OF settled_at'],
  job: ['pgboss.job_common', 'DELETE'],
}
test.each(Object.entries(faults))(
  'when the %s cannot be written nothing is claimed and nothing more is sent; it is recorded once it can be',
  async (_name, [table, event]) => {
    const already = post.logged().length
    const first = await post.acceptOne(address())
    await post.owner.raw(`CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'broken by the test'; END $$`)
    await post.owner.raw(
      `CREATE TRIGGER broken BEFORE ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION break()`,
    )
    const courier = post.startCourier()
    let second: Accepted | undefined
    try {
      await until(() => post.logged().includes('results-unrecorded', already))
      expect(await post.status(first.message)).toMatchObject({ state: 'sending', attempts: [] })
      second = await post.acceptOne(address())
      await new Promise(resolve => setTimeout(resolve, 300))
      expect(sink.mails).toHaveLength(1)
      expect(await post.status(second.message)).toMatchObject({ state: 'queued', attempts: [] })
    } finally {
      await post.owner.raw(`DROP TRIGGER broken ON ${table}`)
      await post.owner.raw('DROP FUNCTION break()')
    }
    await post.until(first.message, ({ state }) => state === 'delivered')
    await post.until(second.message, ({ state }) => state === 'delivered')
    await courier.stop()
    expect(sink.mails).toHaveLength(2)
    const bodies = await post
      .owner('audit_events')
      .where({ type: 'delivery.delivered' })
      .pluck<string[]>('body')
    expect(bodies.filter(body => body.includes(first.delivery))).toHaveLength(1)
  },
)

test('connections to the database that are cut hold up nothing for long', async () => {
  const courier = post.startCourier()
  await post.owner
    .raw(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = 'sealpost_gateway' AND datname = current_database() AND pid <> pg_backend_pid()`)
    .catch(() => undefined)
  const accepted = await post.acceptOne(address()).catch(() => post.acceptOne(address()))
  await post.until(accepted.message, ({ state }) => state === 'delivered')
  await courier.stop()
})
