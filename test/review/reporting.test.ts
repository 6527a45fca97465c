import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimNotices, mailOf, settleNotice } from '../../src/notices/index.ts'
import { type Database, openDatabase, openLogger } from '../../src/platform/index.ts'
import { dueDays } from '../../src/review/daily/report/schedule.ts'
import { findReport, openReporting, type Reporting, type ReviewFacts } from '../../src/review/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { ada, append, billing, bob, insertCheckpoint } from '../support/review-day.ts'
import { spawnCommand } from '../support/serve.ts'

const session = { applicationName: 'test', statementTimeout: 10_000, poolSize: 4 }
const sender = {
  from: 'notices@gateway.test',
  mailHost: 'gateway.test',
  publicUrl: 'https://keys.gateway.test',
  organisation: 'Example Payments',
} as Parameters<typeof openReporting>[0]['sender']

let database: TestDatabase
let owner: Database
let gateway: Database
let logged = ''
const log = openLogger({
  level: 'debug',
  destination: {
    write: (line: string) => {
      logged += line
      return true
    },
  },
})
const running = new Set<Reporting>()

beforeEach(async () => {
  logged = ''
  database = await testDatabase()
  owner = openDatabase(database.owner, session)
  gateway = openDatabase(database.gateway, session)
})
afterEach(async () => {
  await Promise.all([...running].map(reporting => reporting.stop()))
  running.clear()
  await gateway.close()
  await owner.close()
  await database.drop()
})

/** A day of the last week, since no day is reported before it was. */
const midnight = Date.parse(new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10))
const at = (hours: number) => new Date(midnight + hours * 3_600_000)

const start = (now: Date): Reporting => {
  const reporting = openReporting({
    knex: gateway.knex,
    clock: { now: () => now },
    log,
    sender,
    own: () => Promise.resolve([]),
    every: 3_600_000,
  })
  running.add(reporting)
  return reporting
}
const dayAt = (date: Date): string => date.toISOString().slice(0, 10)
const reports = () =>
  owner
    .knex('audit_reviews')
    .orderBy('day')
    .select<{ day: Date; sha256: string; report: string; facts: string }[]>('*')
const notices = () =>
  owner.knex('notices').where('kind', 'daily_review').select<{ id: string; operator_id: string }[]>('*')
const events = async (type: string) =>
  (await owner.knex('audit_events').where({ type }).orderBy('seq').pluck<string[]>('body')).map(
    body => JSON.parse(body) as Record<string, unknown>,
  )

async function people(): Promise<void> {
  await owner.knex('operators').insert([
    { id: ada, name: 'Ada', address: 'ada@payments.test', roles: ['admin'], created_at: at(-100) },
    { id: bob, name: 'Bob', address: 'bob@payments.test', roles: ['auditor'], created_at: at(-100) },
  ])
  await owner
    .knex('applications')
    .insert({ id: billing, name: 'billing', san: billing, senders: [], created_at: at(-100) })
}
const refusal = {
  type: 'request.refused',
  code: 'invalid_json',
  recipients: [],
  unknownRecipients: 0,
} as const
const refuse = (when: Date, count = 1) =>
  append(
    owner.knex,
    when,
    Array.from(
      { length: count },
      () => ({ actor: { kind: 'application', id: billing }, event: refusal }) as const,
    ),
  )

test('many replicas at once make one report, with one mail to each auditor and one event', async () => {
  await people()
  await refuse(at(10), 3)
  await insertCheckpoint(owner.knex, at(11))
  const replicas = Array.from({ length: 4 }, () => start(at(30)))
  await Promise.all(replicas.flatMap(replica => [replica.pass(), replica.pass()]))
  const [report, ...more] = await reports()
  expect(more).toEqual([])
  expect(await notices()).toMatchObject([{ operator_id: bob }])
  const sha256 = createHash('sha256')
    .update(report?.report ?? '')
    .digest('hex')
  expect(await events('review.reported')).toMatchObject([{ day: dayAt(at(0)), sha256 }])
  expect(report?.sha256).toBe(sha256)
})

test('the mail has the numbers, the very checkpoint, and where the report is; once it was sent, the checkpoint is anchored by it', async () => {
  await people()
  await refuse(at(10), 3)
  const size = await insertCheckpoint(owner.knex, at(11))
  const replica = start(at(30))
  await replica.pass()
  const anchored = () => owner.knex('audit_anchors').select('anchor', 'size')
  await replica.pass()
  expect(await anchored()).toEqual([])

  const [claimed] = await claimNotices(gateway.knex, 10, [])
  if (claimed === undefined) throw new Error('no notice')
  const mail = Buffer.from(mailOf(claimed)).toString('latin1')
  const text = Buffer.from(
    mail
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )
    .toString('utf8')
    .replaceAll('\r\n', '\n')
  const [note] = await owner.knex('audit_checkpoints').pluck<string[]>('note')
  expect(text).toContain(`\n${note ?? ''}`)
  expect(text).toContain(`sealpost audit review --day ${dayAt(at(0))}`)
  expect(text).toContain((await reports())[0]?.sha256)
  expect(text).toContain('Refusals: 3')

  const result = { claimed, outcome: 'delivered', retryMs: undefined, host: 'mx.payments.test', tls: null }
  await settleNotice(gateway.knex, { now: () => at(31) }, { ...result, sent: true })
  await replica.pass()
  expect(await anchored()).toEqual([{ anchor: 'mail', size: String(size) }])
})

test('a mail that was never sent anchors nothing', async () => {
  await people()
  await refuse(at(10))
  await insertCheckpoint(owner.knex, at(11))
  const replica = start(at(30))
  await replica.pass()
  const [claimed] = await claimNotices(gateway.knex, 10, [])
  if (claimed === undefined) throw new Error('no notice')
  const result = { claimed, outcome: 'gave_up', retryMs: undefined, host: null, tls: null }
  await settleNotice(gateway.knex, { now: () => at(31) }, { ...result, sent: false })
  await replica.pass()
  expect(await owner.knex('audit_anchors')).toEqual([])
})

test('days that no replica was there for are reported when one is, each once', async () => {
  await people()
  await refuse(at(10))
  await start(at(29.9)).pass()
  expect(await reports()).toEqual([])
  await start(at(30)).pass()
  await start(at(30 + 72)).pass()
  expect((await events('review.reported')).map(({ day }) => day)).toEqual(
    [0, 24, 48, 72].map(hours => dayAt(at(hours))),
  )
  expect(await notices()).toHaveLength(4)
})

test('the hour, and how far back', () => {
  const days = (now: string, last?: string) => dueDays(new Date(now), last)
  expect(days('2027-05-04T05:59:59Z')).toEqual(['2027-05-02'])
  expect(days('2027-05-04T06:00:00Z')).toEqual(['2027-05-03'])
  expect(days('2027-05-04T06:00:00Z', '2027-05-03')).toEqual([])
  expect(days('2027-05-04T06:00:00Z', '2027-04-30')).toEqual(['2027-05-01', '2027-05-02', '2027-05-03'])
  expect(days('2027-05-04T06:00:00Z', '2026-05-03')).toHaveLength(31)
  // A clock that was put back.
  expect(days('2026-05-04T06:00:00Z', '2027-05-03')).toEqual([])
})

test('a replica whose clock is years ahead reports no day that has not been', async () => {
  await people()
  await refuse(at(10))
  await start(new Date(Date.now() + 2 * 365 * 86_400_000)).pass()
  const days = (await events('review.reported')).map(({ day }) => String(day))
  expect(days.length).toBeGreaterThan(0)
  expect(days.every(day => day < dayAt(new Date()))).toBe(true)
})

test('an event that came after the report of its day stands in the next one', async () => {
  await people()
  await refuse(at(10))
  await insertCheckpoint(owner.knex, at(11))
  await start(at(30)).pass()
  // Of a replica whose clock was put back, or a transaction that hung for hours.
  await refuse(at(12), 2)
  await refuse(at(40))
  await insertCheckpoint(owner.knex, at(41))
  await start(at(54)).pass()
  const [first, second] = (await reports()).map(({ facts }) => JSON.parse(facts) as ReviewFacts)
  expect(first?.late).toBeNull()
  expect(second?.late).toEqual({
    after: dayAt(at(0)),
    events: [{ type: 'request.refused', count: 2 }],
  })
  expect(second?.events).toContainEqual({ type: 'request.refused', result: 'failure', count: 1 })
})

test('while events cannot be written there is no report and no mail; then there is', async () => {
  await people()
  await refuse(at(10))
  await owner.knex.raw('REVOKE INSERT ON audit_events FROM sealpost_gateway')
  const replica = start(at(30))
  await replica.pass()
  expect([await reports(), await notices()]).toEqual([[], []])
  expect(logged).toContain('review-failed')
  await owner.knex.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
  await replica.pass()
  expect([await reports(), await notices()]).toMatchObject([[{}], [{}]])
})

test('a report that was made never changes, not for its owner either', async () => {
  await refuse(at(10))
  await start(at(30)).pass()
  await expect(owner.knex('audit_reviews').update({ report: '' })).rejects.toMatchObject({ code: '42501' })
  await expect(owner.knex('audit_reviews').delete()).rejects.toMatchObject({ code: '42501' })
})

test('the command gives the very bytes that were reported, and leaves an event; other days it makes anew', async () => {
  await people()
  await refuse(at(10))
  await start(at(30)).pass()
  const socket = database.owner.kind === 'socket' ? database.owner.directory : ''
  const environment = { SEALPOST_DATABASE_SOCKET: socket, SEALPOST_DATABASE_NAME: database.owner.database }
  const run = async (...args: string[]) => {
    const child = spawnCommand(['audit', 'review', ...args], environment)
    return { code: await child.ended, output: child.output() }
  }
  const made = await run('--day', dayAt(at(0)))
  const stored = await findReport(owner.knex, dayAt(at(0)))
  expect(made).toEqual({ code: 0, output: stored?.report })
  const anew = await run('--day', dayAt(at(24)), '--json')
  expect(JSON.parse(anew.output)).toMatchObject({ day: dayAt(at(24)) })
  expect(await events('audit.read')).toHaveLength(2)
})
