import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Address } from '../../src/kernel/index.ts'
import { newId, systemClock } from '../../src/kernel/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { checkStillUsable, type Pin } from '../../src/recipients/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { insertCertificate, insertRecipient } from '../support/recipients.ts'

const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 2 }
const now = new Date()

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

async function pinned(certificate: Parameters<typeof insertCertificate>[2] = {}): Promise<Pin> {
  return insertCertificate(owner.knex, await insertRecipient(owner.knex), certificate)
}

async function check(...pins: readonly Pin[]) {
  return checkStillUsable(gateway.knex, pins, now)
}

test('what was accepted may be sent, also when its certificate was replaced since', async () => {
  expect(await check(await pinned(), await pinned({ state: 'retired' }))).toEqual([undefined, undefined])
})

test.each([
  ['certificate revoked', () => pinned({ state: 'revoked' }), 'certificate_revoked'],
  ['certificate expired', () => pinned({ expiresAt: now }), 'certificate_expired'],
  ['retired certificate expired', () => pinned({ state: 'retired', expiresAt: now }), 'certificate_expired'],
  [
    'attestation ended',
    async () => {
      const pin = await pinned()
      await owner.knex('recipients').where({ id: pin.recipient }).update({ attested_until: now })
      return pin
    },
    'attestation_lapsed',
  ],
  [
    'recipient suspended',
    async () => insertCertificate(owner.knex, await insertRecipient(owner.knex, 'suspended')),
    'recipient_not_active',
  ],
  [
    'recipient gone',
    async () => ({ ...(await pinned()), recipient: newId('rcp', systemClock) }),
    'recipient_unknown',
  ],
  [
    'address changed',
    async () => ({ ...(await pinned()), address: 'new@bank.test' as Address }),
    'recipient_unknown',
  ],
  [
    'another subkey pinned',
    async () => ({ ...(await pinned()), encryptionSubkey: 'F'.repeat(40) }),
    'certificate_missing',
  ],
  [
    'certificate of somebody else',
    async () => ({ ...(await pinned()), certificate: (await pinned()).certificate }),
    'certificate_missing',
  ],
] as const)('not after acceptance: %s', async (_, make, code) => {
  expect(await check(await make())).toEqual([code])
})

test('a batch is one query, answered in its order, repetitions included', async () => {
  const [good, bad] = [await pinned(), await pinned({ state: 'revoked' })]
  let queries = 0
  const count = (): void => {
    queries++
  }
  gateway.knex.on('query', count)
  const answers = await check(bad, good, good, bad)
  gateway.knex.off('query', count)
  expect(answers).toEqual(['certificate_revoked', undefined, undefined, 'certificate_revoked'])
  expect(queries).toBe(1)
  expect(await check()).toEqual([])
})
