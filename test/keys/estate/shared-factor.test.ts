import { generatePrimeSync, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId, type RecipientId, systemClock } from '../../../src/kernel/index.ts'
import { assertNoSharedFactor } from '../../../src/keys/index.ts'
import { type Database, openDatabase } from '../../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { insertProposal } from '../../support/proposals.ts'
import { insertCertificate, insertRecipient } from '../../support/recipients.ts'

const session = { applicationName: 'test', statementTimeout: 10_000, poolSize: 3 }
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

const prime = (): bigint => generatePrimeSync(512, { bigint: true })
const hex = (modulus: bigint): string => modulus.toString(16).toUpperCase()
const bytes = (modulus: bigint): Buffer => Buffer.from(hex(modulus).padStart(256, '0'), 'hex')
const refused = { code: 'certificate_refused', details: { detail: 'rsa_shared_factor' } }

/** Puts a certificate with these moduli into the house; gives its owner. */
async function enrolled(moduli: readonly bigint[], state: 'active' | 'retired' | 'revoked' = 'active') {
  const pin = await insertCertificate(owner.knex, await insertRecipient(owner.knex), { state })
  await owner
    .knex('certificates')
    .where({ fingerprint: pin.certificate })
    .update({ rsa_moduli: moduli.map(bytes) })
  return pin.recipient
}
const stranger = (): RecipientId => newId('rcp', systemClock)
const check = (moduli: readonly bigint[], recipient = stranger()) =>
  assertNoSharedFactor(gateway.knex, moduli.map(hex), recipient)

describe('an RSA key is refused that shares a prime with', () => {
  test.each(['active', 'retired', 'revoked'] as const)('another certificate, %s', async state => {
    const shared = prime()
    await enrolled([prime() * prime(), shared * prime()], state)
    await expect(check([prime() * prime(), shared * prime()])).rejects.toMatchObject(refused)
  })

  test('a certificate that is only proposed, until it is dropped', async () => {
    const shared = prime()
    const { recipient } = await insertRecipient(owner.knex)
    const { id } = await insertProposal(owner.knex, recipient, { rsaModuli: [bytes(shared * prime())] })
    await expect(check([shared * prime()])).rejects.toMatchObject(refused)
    await owner.knex('proposals').where({ id }).update({ state: 'dropped', dropped_at: new Date() })
    await check([shared * prime()])
  })

  test('another key of its own recipient', async () => {
    const shared = prime()
    const recipient = await enrolled([shared * prime()])
    await expect(check([shared * prime()], recipient)).rejects.toMatchObject(refused)
  })

  test('its own subkey', async () => {
    const shared = prime()
    await expect(check([shared * prime(), shared * prime()])).rejects.toMatchObject(refused)
  })
})

test('the key of somebody else is refused, the own one shown again is not', async () => {
  const modulus = prime() * prime()
  const recipient = await enrolled([modulus])
  await expect(check([modulus])).rejects.toMatchObject(refused)
  await check([modulus], recipient)
  await check([modulus, modulus], recipient)
})

test('keys that share nothing pass, among many; one that shares is found among many', async () => {
  const { recipient } = await insertRecipient(owner.knex)
  const rows = Array.from({ length: 1100 }, (_, i) => ({
    fingerprint: i.toString(16).toUpperCase().padStart(40, '0'),
    recipient_id: recipient,
    bytes: Buffer.from('x'),
    encryption_subkey: 'F'.repeat(40),
    algorithm: 'rsa4096',
    format: 'seipdv1',
    state: 'retired',
    accepted_at: new Date(),
    rsa_moduli: [randomBytes(128)],
  }))
  await owner.knex.batchInsert('certificates', rows, 500)
  const shared = prime()
  await check([shared * prime()])
  await owner
    .knex('certificates')
    .where({ fingerprint: rows.at(-1)!.fingerprint })
    .update({ rsa_moduli: [bytes(shared * prime())] })
  await expect(check([shared * prime()])).rejects.toMatchObject(refused)
})

test('without an RSA key nothing is asked', async () => {
  await check([])
})
