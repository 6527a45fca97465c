import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { networkOf, recordedAddress } from '../../../src/http/refusals/network.ts'
import { openRefusals, type Refusal } from '../../../src/http/refusals/open.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { type Database, openDatabase, openLogger } from '../../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'

let database: TestDatabase
let owner: Database
const log = openLogger({ level: 'error', destination: new PassThrough().resume() })

beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, { applicationName: 'test', statementTimeout: 30_000, poolSize: 4 })
})
afterAll(async () => {
  await owner.close()
  await database.drop()
})
let from = 0
beforeEach(async () => {
  const [row] = await owner.knex('audit_events').max<{ max: string | null }[]>('seq')
  from = Number(row?.max ?? 0)
})

interface Told {
  readonly actor: { readonly kind: string; readonly address?: string }
  readonly from: { readonly listener: string; readonly address: string }
  readonly code?: string
  readonly reason?: string
  readonly count?: number
  readonly since?: string
}
const told = async (): Promise<Told[]> => {
  const bodies = await owner
    .knex('audit_events')
    .where('seq', '>', from)
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Told)
}
const inAll = (events: readonly Told[]) => events.reduce((sum, { count = 1 }) => sum + count, 0)
const open = () => openRefusals({ knex: owner.knex, clock: systemClock, log, every: 3_600_000 })
const refused = (address: string, listener: 'api' | 'public' = 'public'): Refusal => ({
  actor: { kind: 'peer', address },
  from: { listener, address },
  event: { type: 'request.refused', code: 'not_found', recipients: [], unknownRecipients: 0 },
})

test('10,000 refusals in a burst are a handful of events, and all are counted', async () => {
  const refusals = open()
  const places = ['192.0.2.1', '192.0.2.77', '198.51.100.4']
  await Promise.all(
    Array.from({ length: 10_000 }, (_, i) =>
      refusals.note(refused(places[i % 3] ?? '', i % 2 ? 'api' : 'public')),
    ),
  )
  expect(await told()).toHaveLength(4) // Two networks at two listeners: the first of each.
  await refusals.close()
  const events = await told()
  expect(events).toHaveLength(8)
  expect(inAll(events)).toBe(10_000)
  expect(events.slice(0, 4).every(({ count }) => count === undefined)).toBe(true)
  const addresses = events.slice(4).map(({ from, actor }) => [from.address, actor.address])
  expect(addresses).toContainEqual(['192.0.2.0/24', '192.0.2.0/24'])
  expect(addresses).toContainEqual(['198.51.100.4', '198.51.100.4'])
  for (const { since } of events.slice(4)) expect(Date.parse(since ?? '')).toBeLessThanOrEqual(Date.now())
})

test('from 10,000 networks they are a few hundred events, in bounded memory, and all are counted', async () => {
  const refusals = open()
  await Promise.all(
    Array.from({ length: 10_000 }, (_, i) => refusals.note(refused(`10.${i >> 8}.${i & 255}.1`))),
  )
  await refusals.close()
  const events = await told()
  expect(events.length).toBeLessThan(300)
  expect(inAll(events)).toBe(10_000)
})

test('after a minute without any, the next one is told at once again', async () => {
  const refusals = open()
  await refusals.note(refused('192.0.2.1'))
  await refusals.note(refused('192.0.2.1'))
  await refusals.flush()
  await refusals.flush()
  await refusals.note(refused('192.0.2.1'))
  expect((await told()).map(({ count }) => count)).toEqual([undefined, 1, undefined])
  await refusals.close()
  expect(await told()).toHaveLength(3)
})

test('what could not be recorded is counted when it can be again', async () => {
  const refusals = open()
  await owner.knex.raw(
    `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'request.refused') NOT VALID`,
  )
  try {
    await expect(refusals.note(refused('192.0.2.1'))).rejects.toMatchObject({ code: 'audit_unavailable' })
    await refusals.note(refused('192.0.2.1'))
    await expect(refusals.flush()).rejects.toMatchObject({ code: 'audit_unavailable' })
    await refusals.note(refused('192.0.2.2'))
  } finally {
    await owner.knex.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
  }
  await refusals.close()
  expect(await told()).toMatchObject([{ count: 3, from: { address: '192.0.2.0/24' } }])
})

test.each([
  ['192.0.2.77', '192.0.2.0/24'],
  ['::ffff:192.0.2.77', '192.0.2.0/24'],
  ['2001:db8:7:1::5', '2001:db8:7::/48'],
  ['2001:db8::5', '2001:db8:0::/48'],
  ['::1', '0:0:0::/48'],
  ['fe80::1%eth0', 'fe80:0:0::/48'],
  [undefined, 'unknown'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(recordedAddress(address))).toBe(network)
})
