import { randomBytes } from 'node:crypto'
import process from 'node:process'
import type { Knex } from 'knex'
import { beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../../src/platform/index.ts'
import { listStore } from '../../../src/platform/revocation/index.ts'
import { testDatabase } from '../../support/database.ts'
import {
  createRevokingAuthority,
  entry,
  hour,
  type RevokingAuthority,
} from '../../support/revoking-authority.ts'
import { checkOf, good, listUrl, movableClock, outside, revoked } from './support.ts'

const entries = 100_000
const reason = { id: '2.5.29.21', value: Buffer.from('0a0101', 'hex') }

let ca: RevokingAuthority
let database: Knex
let many: Buffer
beforeAll(async () => {
  const created = await testDatabase()
  const pool = openDatabase(created.gateway, {
    applicationName: 'test',
    statementTimeout: 30_000,
    poolSize: 2,
  })
  database = pool.knex
  ca = await createRevokingAuthority()
  many = Buffer.concat(
    Array.from({ length: entries }, () =>
      entry(Buffer.concat([Buffer.from([0x40]), randomBytes(15)]), [reason]),
    ),
  )
  return async () => {
    await pool.close()
    await created.drop()
  }
})

/** The most that this thread computed in one turn of the event loop, in milliseconds; what other programs take does not count. */
async function heldDuring(work: () => Promise<unknown>): Promise<number> {
  let most = 0
  let ended = false
  let before = process.threadCpuUsage()
  const watch = (): void => {
    const { user, system } = process.threadCpuUsage(before)
    most = Math.max(most, (user + system) / 1000)
    before = process.threadCpuUsage()
    if (!ended) setImmediate(watch)
  }
  setImmediate(watch)
  await work()
  ended = true
  await new Promise(setImmediate)
  return most
}

test('a list of a hundred thousand does not hold the event loop for 100 ms, at any step', async () => {
  const last = (await ca.issue({ lists: [listUrl] })).certificate
  const innocent = (await ca.issue({ lists: [listUrl] })).certificate
  const list = ca.list({ entries: [many], revoked: [last] })
  expect(list.length).toBeGreaterThan(4_000_000)
  const store = listStore(database)
  const where = outside({ [listUrl]: list })
  const check = checkOf(where, { store })
  const steps = {
    fetched: () => check(last, ca.certificate, undefined),
    held: () => check(innocent, ca.certificate, undefined),
    stored: () => checkOf(outside(), { store })(last, ca.certificate, undefined),
  }
  const most: Record<string, number> = {}
  for (const [name, step] of Object.entries(steps)) most[name] = await heldDuring(step)
  expect(Math.max(...Object.values(most)), JSON.stringify(most)).toBeLessThan(100)
  expect(await steps.fetched()).toEqual(revoked)
  expect(await steps.held()).toEqual(good)
  expect(await steps.stored()).toEqual(revoked)
})

test('lists are kept in the database for every replica, the newest of each issuer', async () => {
  const url = 'http://crl.ca.test/shared.crl'
  const { certificate } = await ca.issue({ lists: [url] })
  const check = (list?: Buffer) =>
    checkOf(outside(list === undefined ? {} : { [url]: list }), { store: listStore(database) })(
      certificate,
      ca.certificate,
      undefined,
    )
  expect(await check(ca.list({ revoked: [certificate] }))).toEqual(revoked)
  expect(await check()).toEqual(revoked)
  const rows = await database('revocation_lists').where({ url }).select('issuer_sha256', 'fetched_at')
  expect(rows).toHaveLength(1)

  // Another replica, which has not seen ours, brings an older one.
  const older = ca.list({ thisUpdate: new Date(Date.now() - 5 * hour) })
  const store = listStore(database)
  const blind = { find: () => Promise.resolve(undefined), keep: store.keep.bind(store) }
  await checkOf(outside({ [url]: older }), { store: blind })(certificate, ca.certificate, undefined)
  expect(await check()).toEqual(revoked)
})

test('a replica asks the CA when what another stored is an hour old', async () => {
  const url = 'http://crl.ca.test/old.crl'
  const { certificate } = await ca.issue({ lists: [url] })
  const store = listStore(database)
  await checkOf(outside({ [url]: ca.list() }), { store })(certificate, ca.certificate, undefined)
  const clock = movableClock()
  clock.pass(2 * hour)
  const where = outside({ [url]: ca.list({ revoked: [certificate] }) })
  expect(await checkOf(where, { store, clock })(certificate, ca.certificate, undefined)).toEqual(revoked)
  expect(where.asked).toEqual([url])
})

test('lists that have ended are thrown away when the next one is kept', async () => {
  const { certificate } = await ca.issue({ lists: ['http://crl.ca.test/short.crl'] })
  const { certificate: next } = await ca.issue({ lists: ['http://crl.ca.test/next.crl'] })
  const store = listStore(database)
  const clock = movableClock()
  const short = ca.list({ nextUpdate: new Date(Date.now() + hour) })
  const where = outside({ 'http://crl.ca.test/short.crl': short, 'http://crl.ca.test/next.crl': ca.list() })
  const check = checkOf(where, { store, clock })
  expect(await check(certificate, ca.certificate, undefined)).toEqual(good)
  clock.pass(2 * hour)
  expect(await check(next, ca.certificate, undefined)).toEqual(good)
  const urls = (await database('revocation_lists').select<{ url: string }[]>('url')).map(({ url }) => url)
  expect(urls).toContain('http://crl.ca.test/next.crl')
  expect(urls).not.toContain('http://crl.ca.test/short.crl')
})
