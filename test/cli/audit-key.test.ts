import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { formatVerifier, noteSigner } from '../../src/tlog/index.ts'
import { asOwnerOf, command } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

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

const auditKey = (...options: readonly string[]) => command(['audit', 'key', ...options], asOwnerOf(database))

test('before the first unseal there is no key, and that is said', async () => {
  expect(await auditKey()).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('first unsealed') as string,
  })
})

test('the verifier line of the log is printed, and nothing of the key itself', async () => {
  const origin = 'gateway.test/audit-log'
  const verifier = formatVerifier(noteSigner(origin, generateKeyPairSync('ed25519').privateKey).verifier)
  const secret = Buffer.from('sealed')
  await owner
    .knex('log_keys')
    .insert({ verifier, origin, nonce: secret, sealed: secret, created_at: new Date() })
  expect(await auditKey()).toEqual({ status: 0, stdout: `${verifier}\n`, stderr: '' })
  const { status, stdout } = await auditKey('--json')
  expect(status).toBe(0)
  const listed = JSON.parse(stdout) as object[]
  expect(listed).toMatchObject([{ verifier, origin, retiredAt: null }])
  expect(Object.keys(listed[0] ?? {})).toEqual(['verifier', 'origin', 'createdAt', 'retiredAt'])
})
