import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { formatVerifier, noteSigner } from '../../src/tlog/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { spawnCommand } from '../support/serve.ts'

// Each starts the program, which takes a second or two on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

let database: TestDatabase
let owner: Database
beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, { applicationName: 'test', statementTimeout: 10_000, poolSize: 1 })
})
afterAll(async () => {
  await owner.close()
  await database.drop()
})

async function auditKey(...options: string[]): Promise<{ code: number | NodeJS.Signals; output: string }> {
  if (database.owner.kind !== 'socket') throw new Error('tests reach PostgreSQL by its socket')
  const { directory, database: name } = database.owner
  const environment = { SEALPOST_DATABASE_SOCKET: directory, SEALPOST_DATABASE_NAME: name }
  const child = spawnCommand(['audit', 'key', ...options], environment)
  return { code: await child.ended, output: child.output() }
}

test('before the first unseal there is no key, and that is said', async () => {
  expect(await auditKey()).toMatchObject({
    code: 2,
    output: expect.stringContaining('first unsealed') as string,
  })
})

test('the verifier line of the log is printed, and nothing of the key itself', async () => {
  const origin = 'gateway.test/audit-log'
  const verifier = formatVerifier(noteSigner(origin, generateKeyPairSync('ed25519').privateKey).verifier)
  const secret = Buffer.from('sealed')
  await owner
    .knex('log_keys')
    .insert({ verifier, origin, nonce: secret, sealed: secret, created_at: new Date() })
  expect(await auditKey()).toEqual({ code: 0, output: `${verifier}\n` })
  const { code, output } = await auditKey('--json')
  expect(code).toBe(0)
  const listed = JSON.parse(output) as object[]
  expect(listed).toMatchObject([{ verifier, origin, retiredAt: null }])
  expect(Object.keys(listed[0] ?? {})).toEqual(['verifier', 'origin', 'createdAt', 'retiredAt'])
})
