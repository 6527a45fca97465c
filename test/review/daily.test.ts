import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { dailyReview, periodOf, type ReviewFacts, renderReview } from '../../src/review/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { fillReviewDay, insertCheckpoint, reportTime, reviewDay } from '../support/review-day.ts'

const session = { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 }
const clock = { now: () => reportTime }
let database: TestDatabase
let owner: Database
let gateway: Database
let facts: ReviewFacts

beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, session)
  gateway = openDatabase(database.gateway, session)
  await fillReviewDay(owner.knex)
  await insertCheckpoint(owner.knex, new Date(`${reviewDay}T23:59:59Z`))
  const own = [{ what: 'own certificate' as const, about: 'api', endsAt: '2027-05-30T00:00:00.000Z' }]
  // As the gateway's role: it must be allowed all that the report takes.
  facts = await dailyReview(gateway.knex, clock, periodOf(reviewDay), { own })
})
afterAll(async () => {
  await gateway.close()
  await owner.close()
  await database.drop()
})

test('everything of the day is counted, and nothing of another', () => {
  const total = facts.events.reduce((sum, { count }) => sum + count, 0)
  expect(total).toBe(130 + 127 + 2 + 3 + 3 + 3 + 1 + 1 + 2 + 1 + 3 + 1)
  expect(facts.events).toContainEqual({ type: 'message.accepted', result: 'success', count: 130 })
  expect(facts.events).toContainEqual({ type: 'request.refused', result: 'failure', count: 3 })
  expect(facts.accepted).toEqual({ messages: 130, deliveries: 130 })
  expect(facts.outcomes).toContainEqual({ type: 'delivery.delivered', outcome: 'delivered', count: 127 })
  expect(facts.outcomes).toContainEqual({ type: 'delivery.failed', outcome: 'gave_up', count: 1 })
})

test('refusals tell who was refused, and count those that one event tells of', () => {
  expect(facts.refusals).toEqual([
    { type: 'client.refused', code: 'certificate_unknown', who: 'peers in public networks', count: 41 },
    { type: 'request.refused', code: 'recipients_refused', who: 'application billing', count: 3 },
    { type: 'operator.sign_in.refused', code: 'link_invalid', who: 'peers in public networks', count: 1 },
  ])
})

test('volumes are compared with the median of the 14 days before', () => {
  expect(facts.unusual).toEqual({
    days: 14,
    applications: [
      { subject: 'billing', count: 130, median: 30, is: 'more' },
      { subject: 'payroll', count: 0, median: 25, is: 'less' },
    ],
    domains: [
      { subject: 'bank.test', count: 130, median: 30, is: 'more' },
      { subject: 'shop.test', count: 0, median: 25, is: 'less' },
    ],
  })
})

test('keys, people, reads, alarms, what waits and what ends stand in it', () => {
  expect(facts.keys.list.map(({ type }) => type)).toEqual(['custody.unsealed', 'certificate.revoked'])
  expect(facts.signIns.map(({ who }) => who)).toEqual(['operator Ada', 'operator Bob'])
  expect(facts.reads).toHaveLength(2)
  expect(facts.alarms.list).toHaveLength(4)
  expect(facts.pending).toMatchObject([{ kind: 'recipient.activate', askedBy: 'Ada' }])
  expect(facts.expiring).toMatchObject({
    more: 0,
    list: [
      { what: 'certificate', about: `till@shop.test ${'ABCD1234'.repeat(5)}` },
      { what: 'attestation', about: 'ada@bank.test' },
      { what: 'own certificate', about: 'api' },
    ],
  })
  expect(facts.log).toMatchObject({ waiting: 0, archive: null, anchors: [] })
})

test('docs/review-sample.md is the report of this day', async () => {
  await expect(renderReview(facts)).toMatchFileSnapshot('../../docs/review-sample.md')
})

test('the events of a day are found without reading the rest', async () => {
  const { rows } = await owner.knex
    .raw<{ rows: Record<string, string>[] }>(
      `SET LOCAL enable_seqscan = off; EXPLAIN SELECT type, count(*) FROM audit_events WHERE at >= '2027-05-03' AND at < '2027-05-04' GROUP BY type`,
    )
    .then((answers: unknown) => (answers as { rows: Record<string, string>[] }[])[1] ?? { rows: [] })
  expect(rows.map(row => row['QUERY PLAN']).join('\n')).toContain('audit_events_by_time')
})
