import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type CertificateName,
  findCertificate,
  inventoryOf,
  listCertificates,
} from '../../../src/keys/index.ts'
import { type Database, openDatabase } from '../../../src/platform/index.ts'
import type { Pin } from '../../../src/recipients/index.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { insertCertificate, insertRecipient } from '../../support/recipients.ts'

const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 3 }
const soon = new Date('2027-01-01T00:00:00Z')
let database: TestDatabase
let owner: Database
let gateway: Database
let pins: readonly Pin[]

beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, session)
  gateway = openDatabase(database.gateway, session)
  const made: Pin[] = []
  for (let i = 0; i < 9; i++) {
    const state = (['active', 'retired', 'revoked'] as const)[i % 3] ?? 'active'
    const expiresAt = i % 2 === 0 ? soon : new Date('2030-01-01T00:00:00Z')
    made.push(await insertCertificate(owner.knex, await insertRecipient(owner.knex), { state, expiresAt }))
  }
  pins = made.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
})
afterAll(async () => {
  await Promise.all([owner.close(), gateway.close()])
  await database.drop()
})

const nameOf = ({ certificate, encryptionSubkey }: Pin) => `${certificate} ${encryptionSubkey}`
const list = async (filter: Parameters<typeof listCertificates>[1]) =>
  (await listCertificates(gateway.knex, filter, { limit: 100 })).map(({ fingerprint }) => fingerprint)

test('pages follow each other without gap or repetition, also between the subkeys of one key', async () => {
  const [under] = await list({ state: 'active' })
  const pin = pins.find(({ certificate }) => certificate === under)!
  const more: Pin[] = []
  for (let i = 0; i < 5; i++)
    more.push(await insertCertificate(owner.knex, pin, { state: 'retired', under: pin.certificate }))
  try {
    for (const limit of [1, 2, 4]) {
      const seen: CertificateName[] = []
      for (;;) {
        const after = seen.at(-1)
        const page = await listCertificates(gateway.knex, {}, { limit, ...(after && { after }) })
        if (page.length === 0) break
        seen.push(...page)
      }
      expect(seen.map(({ fingerprint, encryptionSubkey }) => `${fingerprint} ${encryptionSubkey}`)).toEqual(
        [...pins, ...more].map(nameOf).toSorted(),
      )
    }
    expect((await findCertificate(gateway.knex, pin.certificate)).subkeys).toHaveLength(6)
  } finally {
    await owner.knex('certificates').where({ fingerprint: pin.certificate }).whereNotNull('follows').delete()
  }
  expect(await listCertificates(gateway.knex, {}, { limit: 0 })).toHaveLength(1)
})

test('filters hold alone and together', async () => {
  expect(await list({ state: 'revoked' })).toHaveLength(3)
  expect(await list({ expiresBefore: new Date(soon.getTime() + 1) })).toHaveLength(5)
  expect(await list({ expiresBefore: soon })).toEqual([])
  expect(await list({ recipient: pins[2]!.recipient })).toEqual([pins[2]!.certificate])
  expect(await list({ recipient: pins[2]!.recipient, expiresBefore: new Date(0) })).toEqual([])
  expect(await list({ state: 'active', expiresBefore: new Date(soon.getTime() + 1) })).toHaveLength(2)
})

test('one is found by its full fingerprint only', async () => {
  const { certificate, recipient, address, encryptionSubkey } = pins[0]!
  expect(await findCertificate(gateway.knex, certificate)).toMatchObject({
    fingerprint: certificate,
    recipient,
    address,
    encryptionSubkey,
    proposal: null,
  })
  for (const other of [certificate.slice(-16), certificate.toLowerCase(), '%', "' OR true --"])
    await expect(findCertificate(gateway.knex, other)).rejects.toMatchObject({ code: 'not_found' })
})

test('an inventory without a signing key says so', async () => {
  const { signingKey, certificates } = await inventoryOf(gateway.knex, soon)
  expect(signingKey).toBeNull()
  const counted = certificates.map(line => [line.state, line.ending, line.certificates])
  expect(counted.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(9)
  expect(counted).toContainEqual(['active', 'expired', 2])
})
