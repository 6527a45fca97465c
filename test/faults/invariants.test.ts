import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'

let database: TestDatabase
let superuser: Database
beforeAll(async () => {
  database = await testDatabase()
  superuser = openDatabase(database.superuser, {
    applicationName: 'test',
    statementTimeout: 5_000,
    poolSize: 1,
  })
})
afterAll(async () => {
  await superuser.close()
  await database.drop()
})

const message = `INSERT INTO messages (id, application_id, sender, accepted_at) VALUES ('msg', 'app', 'a@b.test', now())`
const delivery = (state: string, columns = '', values = ''): string =>
  `INSERT INTO deliveries (id, message_id, position, recipient_id, address, certificate, encryption_subkey, format,
     outer_date, outer_message_id, ciphertext_sha256, ciphertext_bytes, accepted_at, give_up_at, state${columns})
   VALUES ('dlv', 'msg', 0, 'rcp', 'a@b.test', 'AB', 'CD', 'seipdv1', '', '', '', 0, now(), now(), '${state}'${values})`
const job = `INSERT INTO pgboss.job (name, data) VALUES ('deliver', '{"delivery":"dlv"}')`
const attempt = `INSERT INTO attempts (delivery_id, number, started_at, finished_at, outcome)
   VALUES ('dlv', 1, now(), now(), 'timeout')`
const event = (body: object): string =>
  `INSERT INTO audit_events (id, at, type, body, hash) VALUES (gen_random_uuid(), now(), '${
    'message' in body ? 'message.accepted' : 'delivery.deferred'
  }', '${JSON.stringify(body)}', decode(repeat('00', 32), 'hex'))`

test('an empty database breaks none', async () => {
  expect(await brokenInvariants(superuser.knex)).toEqual([])
})

test.each([
  ['a message has a delivery', [message]],
  ['a message was audited', [message]],
  ['a message was audited', [event({ message: 'msg' })]],
  ['an open delivery has one job', [delivery('queued')]],
  ['an open delivery has one job', [delivery('sending'), job, job]],
  ['an open delivery has one job', [delivery('failed'), job]],
  ['a job has a delivery', [job]],
  ['an open delivery has its ciphertext', [delivery('queued')]],
  ['an open delivery has its ciphertext', [delivery('delivered', ', ciphertext', `, '\\x00'`)]],
  ['a settled delivery has an outcome and a time', [delivery('delivered')]],
  ['a settled delivery has an outcome and a time', [delivery('failed', ', settled_at', ', now()')]],
  ['a delivered delivery has the attempt', [delivery('delivered'), attempt]],
  ['an attempt was audited once', [attempt]],
  ['an attempt was audited once', [event({ delivery: 'dlv', attempt: 1 })]],
  [
    'an attempt was audited once',
    [attempt, ...Array<string>(2).fill(event({ delivery: 'dlv', attempt: 1 }))],
  ],
])('the check can fail: %s (%#)', async (name, statements) => {
  const trx = await superuser.knex.transaction()
  // Foreign keys would hinder us from what only a fault can do.
  await trx.raw('SET LOCAL session_replication_role = replica')
  for (const statement of statements) await trx.raw(statement)
  const broken = await brokenInvariants(trx)
  await trx.rollback()
  expect(broken.filter(text => text.startsWith(name))).toHaveLength(1)
})
