import { afterAll, beforeAll, expect, test } from 'vitest'
import { initSigningKey, openWebhookSecretMaker, unsealFor } from '../../src/custody/index.ts'
import { unwrap } from '../../src/custody/wrap.ts'
import { type Address, newId, systemClock } from '../../src/kernel/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { quickToDerive } from '../support/shortcut.ts'

const courier = { seals: false, sends: true, calls: true, origin: 'gateway.test/audit-log' }
let database: TestDatabase
const open: Database[] = []
const connect = (role: 'owner' | 'gateway') => {
  const opened = openDatabase(database[role], {
    applicationName: 'test',
    statementTimeout: 5_000,
    poolSize: 1,
  })
  open.push(opened)
  return opened.knex
}

beforeAll(async () => {
  database = await testDatabase()
  await initSigningKey(
    connect('owner'),
    systemClock,
    generateSigningKey,
    'a@gateway.test' as Address,
    'right',
    quickToDerive,
  )
})
afterAll(async () => {
  for (const each of open) await each.close()
  await database.drop()
})

test('a secret opens by the passphrase, for its own webhook and purpose only', async () => {
  const make = await openWebhookSecretMaker(connect('owner'), systemClock, 'right')
  const [one, other] = [newId('whk', systemClock), newId('whk', systemClock)]
  const { text, wrapped } = make(one)
  expect(make(one).text).not.toBe(text)
  const { webhooks: openSecret } = await unsealFor(connect('gateway'), systemClock, courier, () =>
    Promise.resolve('right'),
  )
  expect(`whsec_${openSecret?.(one, wrapped).toString('base64')}`).toBe(text)
  expect(() => openSecret?.(other, wrapped)).toThrow()
  const altered = Buffer.from(wrapped.sealed)
  altered[0] = (altered[0] ?? 0) ^ 1
  expect(() => openSecret?.(one, { ...wrapped, sealed: altered })).toThrow()
  expect(() => unwrap(wrapped, Buffer.alloc(32), 'webhook', JSON.stringify(['webhook', one]))).toThrow()
})

test('a courier does not start without the passphrase while there are webhooks, and does without any', async () => {
  const nobody = () => Promise.reject(new Error('there is no terminal'))
  await expect(unsealFor(connect('gateway'), systemClock, courier, nobody)).rejects.toMatchObject({
    code: 'sealed',
  })
  const keys = await unsealFor(connect('gateway'), systemClock, { ...courier, calls: false }, nobody)
  expect(keys.webhooks).toBeUndefined()
})
