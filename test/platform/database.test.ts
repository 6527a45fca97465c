import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  assertSchemaCurrent,
  type Database,
  isForeignKeyViolation,
  isUniqueViolation,
  migrate,
  openDatabase,
} from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 2 }
let test_: TestDatabase
let owner: Database

beforeAll(async () => {
  test_ = await testDatabase()
  owner = openDatabase(test_.owner, session)
})

afterAll(async () => {
  await owner.close()
  await test_.drop()
})

async function failure(work: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(work).then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error,
  )
}

test.each([
  ['a duplicate key', (value: string) => owner.knex('destinations').insert([row(value), row(value)])],
  ['a failed check', (value: string) => owner.knex('certificates').insert({ fingerprint: value })],
  ['a wrong type', (value: string) => owner.knex.raw('SELECT ?::int', [value])],
  ['a broken statement', (value: string) => owner.knex.raw('SELEC ?', [value])],
  ['a raised exception', () => owner.knex.raw("DO 'BEGIN RAISE EXCEPTION ''4111111111111111''; END'", [])],
])('a value is in no error: %s', async (_, work) => {
  const canary = '4111111111111111'
  const error = await failure(work(canary))
  expect(error).toMatchObject({ name: 'PostgresError' })
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(canary)
})

function row(domain: string): object {
  return { domain, rule: '{}', updated_at: new Date() }
}

test('violations have names', async () => {
  const duplicate = await failure(owner.knex('destinations').insert([row('a'), row('a')]))
  expect(isUniqueViolation(duplicate)).toBe(true)
  expect(isUniqueViolation(duplicate, 'destinations_pkey')).toBe(true)
  expect(isUniqueViolation(duplicate, 'another')).toBe(false)
  const orphan = await failure(
    owner.knex('messages').insert({ id: 'm', application_id: 'none', sender: 's', accepted_at: new Date() }),
  )
  expect(isForeignKeyViolation(orphan)).toBe(true)
})

test('a server, a database or a role that defaults to asynchronous commit does not weaken ours', async () => {
  const admin = openDatabase(test_.superuser, session)
  const gateway = openDatabase(test_.gateway, session)
  try {
    const name = test_.gateway.database
    await admin.knex.raw('ALTER DATABASE ?? SET synchronous_commit = off', [name])
    await admin.knex.raw('ALTER ROLE sealpost_gateway IN DATABASE ?? SET synchronous_commit = off', [name])
    const { rows } = await gateway.knex.raw<{ rows: unknown[] }>('SHOW synchronous_commit')
    expect(rows).toEqual([{ synchronous_commit: 'on' }])
  } finally {
    await admin.close()
    await gateway.close()
  }
})

test('a statement that takes too long is database_unavailable', async () => {
  const hasty = openDatabase(test_.gateway, { ...session, statementTimeout: 50 })
  expect(await failure(hasty.knex.raw('SELECT pg_sleep(5)'))).toMatchObject({
    code: 'database_unavailable',
    details: { detail: '57014' },
  })
  await hasty.close()
})

test('a connection that the server cuts is database_unavailable, and the next query has a new one', async () => {
  const gateway = openDatabase(test_.gateway, { ...session, poolSize: 1 })
  expect(await failure(gateway.knex.raw('SELECT pg_terminate_backend(pg_backend_pid())'))).toMatchObject({
    code: 'database_unavailable',
  })
  await gateway.knex.raw('SELECT 1')
  await gateway.close()
})

test('a socket that is not there is database_unavailable', async () => {
  const nowhere = openDatabase({ ...test_.gateway, directory: '/nonexistent' } as never, session)
  expect(await failure(nowhere.knex.raw('SELECT 1'))).toMatchObject({
    code: 'database_unavailable',
    details: { detail: 'ENOENT' },
  })
  await nowhere.close()
})

test('a pool with no free connection is database_unavailable', { timeout: 20_000 }, async () => {
  const narrow = openDatabase(test_.gateway, { ...session, poolSize: 1 })
  const held = await narrow.knex.transaction()
  expect(await failure(narrow.knex.raw('SELECT 1'))).toMatchObject({ code: 'database_unavailable' })
  await held.rollback()
  await narrow.close()
})

test('two hosts migrate at once: both succeed', async () => {
  await Promise.all([migrate(test_.owner), migrate(test_.owner)])
  await assertSchemaCurrent(owner.knex)
})

test('an older, a newer and an empty schema are schema_outdated', async () => {
  const fresh = await testDatabase()
  const database = openDatabase(fresh.owner, session)
  const gateway = openDatabase(fresh.gateway, session)
  await assertSchemaCurrent(gateway.knex)
  await database.knex('knex_migrations').insert({ name: '9999-future', batch: 9 })
  expect(await failure(assertSchemaCurrent(gateway.knex))).toMatchObject({ code: 'schema_outdated' })
  await database.knex('knex_migrations').where({ name: '9999-future' }).delete()
  await database.knex('knex_migrations').where({ name: '0002-roles' }).delete()
  expect(await failure(assertSchemaCurrent(gateway.knex))).toMatchObject({ code: 'schema_outdated' })
  await database.knex.raw('DROP TABLE knex_migrations')
  expect(await failure(assertSchemaCurrent(gateway.knex))).toMatchObject({ code: 'schema_outdated' })
  await database.close()
  await gateway.close()
  await fresh.drop()
})

test('a killed migration does not lock out the next one', async () => {
  await owner.knex('knex_migrations_lock').update({ is_locked: 1 })
  await migrate(test_.owner)
})
