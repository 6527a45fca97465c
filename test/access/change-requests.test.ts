import { afterAll, beforeAll, expect, test } from 'vitest'
import { askForChange, openApprovals } from '../../src/access/index.ts'
import { newId, systemClock } from '../../src/kernel/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { twoOperators } from '../support/operators.ts'

const session = { applicationName: 'test', statementTimeout: 20_000, poolSize: 4 }
let database: TestDatabase
let owner: Database
let gateway: Database
beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, session)
  gateway = openDatabase(database.gateway, session)
})
afterAll(async () => {
  await Promise.all([owner.close(), gateway.close()])
  await database.drop()
})
const nothing = () => Promise.resolve()
const apply = {
  'recipient.activate': nothing,
  'recipient.reinstate': nothing,
  'recipient.attest': nothing,
  'policy.adopt': nothing,
}
test('smoke', async () => {
  const { admin, approver } = await twoOperators(owner.knex)
  const change = await gateway.knex.transaction(trx =>
    askForChange(trx, systemClock, admin.operator, {
      kind: 'recipient.reinstate',
      subject: newId('rcp', systemClock),
      body: {},
    }),
  )
  const settled = await openApprovals({ knex: gateway.knex, clock: systemClock, apply }).approve(
    approver.operator,
    change.id,
  )
  expect(settled).toMatchObject({ state: 'approved', decidedBy: approver.operator.id })
})
