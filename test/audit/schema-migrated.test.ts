import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordMigrations } from '../../src/audit/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { type Database, migrate, openDatabase } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let database: TestDatabase
let owner: Database
beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, { applicationName: 'test', statementTimeout: 30_000, poolSize: 2 })
})
afterAll(async () => {
  await owner.close()
  await database.drop()
})

const run = () => migrate(database.owner, (trx, applied) => recordMigrations(trx, systemClock, applied))
const told = async () => {
  const bodies = await owner.knex('audit_events').where({ type: 'schema.migrated' }).pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as { migrations: readonly string[]; from: object })
}

test('each migration is told once, also one whose process was killed before it could tell', async () => {
  // The schema is there, as after a kill; nobody has told of it.
  expect(await told()).toEqual([])
  expect(await run()).toEqual([])
  const [event, none] = await told()
  expect(event?.migrations).toEqual(await owner.knex('knex_migrations').orderBy('id').pluck<string[]>('name'))
  expect(event).toMatchObject({ actor: { kind: 'host' }, from: { listener: 'host' }, result: 'success' })
  expect(none).toBeUndefined()
  await Promise.all([run(), run()])
  expect(await told()).toHaveLength(1)
  await owner.knex('knex_migrations').insert({ name: '9999-next', batch: 99, migration_time: new Date() })
  await owner.knex.transaction(trx =>
    recordMigrations(trx, systemClock, [...(event?.migrations ?? []), '9999-next']),
  )
  expect((await told()).at(-1)?.migrations).toEqual(['9999-next'])
})
