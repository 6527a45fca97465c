import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCorrespondent } from '../../src/demo/index.ts'
import type { Address } from '../../src/kernel/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { asOwnerOf, command } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { activateRecipient, approvePolicy } from '../support/shortcut.ts'

let database: TestDatabase
let owner: Database
beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 })
})
afterAll(async () => {
  await owner.close()
  await database.drop()
})

function run(...args: readonly string[]) {
  return command(['policy', ...args], asOwnerOf(database))
}

test('list says what there is and what is in force', async () => {
  expect((await run('list')).stdout).toContain('in force: none; nothing is sent')
  await approvePolicy(owner.knex)
  const { status, stdout } = await run('list', '--json')
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    standing: { state: 'in_force', policy: 'standard' },
    policies: [{ policy: 'standard' }, { policy: 'strict' }],
    weakRsaModuli: expect.any(Number) as number,
  })
  await owner.knex('policy_records').update({ sha256: '0'.repeat(64) })
  expect((await run('list')).stdout).toContain('is not the file that was approved')
})

test('assess names whom a policy would cut off, changes nothing, and is in the audit log', async () => {
  const { address, certificate } = await createCorrespondent('reader@bank.test' as Address)
  await activateRecipient(owner.knex, address, certificate)
  const { status, stdout } = await run('assess', 'strict', '--json')
  expect(status).toBe(0)
  const [{ fingerprint } = { fingerprint: '' }] = await owner
    .knex('certificates')
    .select<{ fingerprint: string }[]>()
  expect(JSON.parse(stdout)).toMatchObject({
    policy: 'strict',
    assessed: 1,
    refused: [{ fingerprint, reasons: ['format_not_allowed'] }],
  })
  expect((await run('assess', 'strict')).stdout).toContain('1 of 1 certificates in use are cut off')
  expect(await owner.knex('policy_refusals').select()).toEqual([])
  const events = await owner.knex('audit_events').where({ type: 'policy.assessed' }).pluck<string[]>('body')
  expect(JSON.parse(events[0] ?? '')).toMatchObject({ actor: { kind: 'host' }, policy: 'strict', refused: 1 })
})

test.each([
  ['a policy that is not there', ['assess', 'none-such'], 'not_found'],
  ['a time that is none', ['assess', 'strict', '--at', 'tomorrow'], 'usage'],
  ['the past', ['assess', 'strict', '--at', '2026-11-20'], 'invalid_request'],
])('%s is refused with exit code 2', async (_, args, code) => {
  const { status, stderr } = await run(...args)
  expect(status).toBe(2)
  expect(stderr).toContain(code)
})
