import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { announceTunnel } from '../../src/connections/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { type Database, openDatabase, openLogger } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let files: TestDatabase
let database: Database
beforeAll(async () => {
  files = await testDatabase()
  database = openDatabase(files.gateway, { applicationName: 'test', statementTimeout: 5_000, poolSize: 1 })
})
afterAll(async () => {
  await database.close()
  await files.drop()
})

test('an exception in force is recorded and logged at the start and every day, until it is told to end', async () => {
  const { knex } = database
  const bodies = () => knex('audit_events').where({ type: 'exception.active' }).pluck<string[]>('body')
  let logged = ''
  const log = openLogger({ level: 'info', destination: { write: (line: string) => (logged += line) !== '' } })
  const until = new Date('2027-01-31T00:00:00Z')
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const stop = await announceTunnel(
      { until, reason: 'until the upgrade' },
      { knex, clock: systemClock, log },
    )
    expect((await bodies()).map(body => JSON.parse(body) as unknown)).toMatchObject([
      { exception: 'database_tls_1_2', until: '2027-01-31T00:00:00.000Z', actor: { kind: 'gateway' } },
    ])
    vi.advanceTimersByTime(2 * 86_400_000)
    await vi.waitFor(async () => expect(await bodies()).toHaveLength(3), { timeout: 10_000 })
    stop()
    vi.advanceTimersByTime(86_400_000)
  } finally {
    vi.useRealTimers()
  }
  expect(await bodies()).toHaveLength(3)
  expect(logged.match(/exception-active/g)).toHaveLength(3)
})
