import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventsAbout, eventsOfDomains } from '../../src/evidence/store.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let database: TestDatabase
let opened: Database
beforeAll(async () => {
  database = await testDatabase()
  opened = openDatabase(database.gateway, { applicationName: 'test', statementTimeout: 30_000, poolSize: 1 })
})
afterAll(async () => {
  await opened.close()
  await database.drop()
})

test.each([
  ['people and decisions', eventsAbout, 'audit_events_of_subjects'],
  ['domains', eventsOfDomains, 'audit_events_of_destinations'],
])('what happened to %s is found by its index, however many events there are', async (_, find, index) => {
  const queries: { sql: string; bindings: readonly unknown[] }[] = []
  const hear = (query: { sql: string; bindings: readonly unknown[] }) => queries.push(query)
  opened.knex.on('query', hear)
  await find(opened.knex, ['rcp_a', 'acquirer.example'])
  opened.knex.off('query', hear)
  const plan = await opened.knex.transaction(async trx => {
    // The table is empty, and any plan is cheap.
    await trx.raw('SET LOCAL enable_seqscan = off')
    const { rows } = await trx.raw<{ rows: Record<string, string>[] }>(
      `EXPLAIN ${queries[0]?.sql.replace(/\$\d+/g, '?') ?? ''}`,
      [...(queries[0]?.bindings ?? [])] as string[],
    )
    return rows.map(row => row['QUERY PLAN']).join('\n')
  })
  expect(plan).toContain(index)
})
