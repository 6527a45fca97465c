import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Address } from '../../src/kernel/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { resolveRecipients } from '../../src/recipients/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { insertCertificate, insertRecipient } from '../support/recipients.ts'

const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 2 }
const now = new Date()
const past = new Date(now.getTime() - 1000)

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

function resolve(...addresses: readonly Address[]) {
  return resolveRecipients(gateway.knex, addresses, now)
}

async function enrolled(...certificates: readonly Parameters<typeof insertCertificate>[2][]) {
  const who = await insertRecipient(owner.knex)
  for (const certificate of certificates) await insertCertificate(owner.knex, who, certificate)
  return who
}

test('an active recipient is given with the pinned certificate, by the role of the gateway', async () => {
  const pin = await insertCertificate(owner.knex, await insertRecipient(owner.knex), { format: 'seipdv2' })
  expect(await resolve(pin.address)).toEqual({
    usable: [
      {
        recipient: pin.recipient,
        address: pin.address,
        certificate: {
          fingerprint: pin.certificate,
          bytes: Buffer.from(pin.certificate),
          encryptionSubkey: pin.encryptionSubkey,
          format: 'seipdv2',
          algorithm: 'ecdh-curve25519',
          expiresAt: null,
        },
      },
    ],
    refused: [],
  })
})

test.each([
  [
    'not enrolled',
    () => Promise.resolve({ address: 'x@bank.test' as Address, recipient: null }),
    'recipient_unknown',
  ],
  ['suspended', () => insertRecipient(owner.knex, 'suspended'), 'recipient_not_active'],
  ['without a certificate', () => enrolled(), 'certificate_missing'],
  ['with a retired certificate only', () => enrolled({ state: 'retired' }), 'certificate_missing'],
  ['whose certificate was revoked', () => enrolled({ state: 'revoked' }), 'certificate_revoked'],
  [
    'with a revoked one beside a retired one',
    () => enrolled({ state: 'retired' }, { state: 'revoked' }),
    'certificate_revoked',
  ],
  ['whose certificate has expired', () => enrolled({ expiresAt: past }), 'certificate_expired'],
  ['whose certificate expires at this instant', () => enrolled({ expiresAt: now }), 'certificate_expired'],
] as const)('a recipient %s is refused', async (_, make, code) => {
  const { address, recipient } = await make()
  expect(await resolve(address)).toEqual({ usable: [], refused: [{ address, code, recipient }] })
})

test('who was unenrolled is nobody', async () => {
  const { address } = await insertRecipient(owner.knex, 'unenrolled')
  expect(await resolve(address)).toEqual({
    usable: [],
    refused: [{ address, code: 'recipient_unknown', recipient: null }],
  })
})

test('after a revocation, the certificate that replaced the revoked one is used', async () => {
  const who = await enrolled({ state: 'revoked' })
  const pin = await insertCertificate(owner.knex, who)
  expect((await resolve(who.address)).usable[0]?.certificate.fingerprint).toBe(pin.certificate)
})

test('addresses are compared byte for byte', async () => {
  const { address } = await enrolled({})
  const { refused } = await resolve(address.toUpperCase() as Address)
  expect(refused[0]?.code).toBe('recipient_unknown')
})

test('each address is answered once, in the order given', async () => {
  const [a, b, c, d] = [await enrolled({}), await enrolled(), await enrolled({}), await enrolled()]
  const { usable, refused } = await resolve(d.address, c.address, b.address, a.address)
  expect(usable.map(({ address }) => address)).toEqual([c.address, a.address])
  expect(refused.map(({ address }) => address)).toEqual([d.address, b.address])
})

test.each([
  ['who lacks an attestation', null, 'attestation_missing'],
  ['whose attestation ended', past, 'attestation_lapsed'],
  ['whose attestation ends at this instant', now, 'attestation_lapsed'],
] as const)('a recipient %s is refused', async (_, until, code) => {
  const who = await enrolled({})
  await owner.knex('recipients').where({ id: who.recipient }).update({ attested_until: until })
  expect((await resolve(who.address)).refused[0]?.code).toBe(code)
})

test('a certificate that the policy in force refuses is refused from its time on, and not by a policy before or after', async () => {
  const hour = 3_600_000
  const policy = async (id: string, from: number, until: number) =>
    owner.knex('policy_records').insert({
      id,
      policy: 'standard',
      sha256: '0'.repeat(64),
      effective_at: new Date(now.getTime() + from * hour),
      expires_at: new Date(now.getTime() + until * hour),
      approved_at: now,
    })
  await policy('pol_former', -3, 9)
  await policy('pol_now', -2, 9)
  await policy('pol_next', 2, 9)
  const refusing = async (record: string, from: number) => {
    const pin = await insertCertificate(owner.knex, await insertRecipient(owner.knex))
    const from_at = new Date(now.getTime() + from * hour)
    await owner.knex('policy_refusals').insert({
      record_id: record,
      fingerprint: pin.certificate,
      encryption_subkey: pin.encryptionSubkey,
      reasons: ['x'],
      from_at,
    })
    return (await resolve(pin.address)).refused[0]?.code
  }
  expect(await refusing('pol_now', -1)).toBe('certificate_not_allowed')
  expect(await refusing('pol_now', 0)).toBe('certificate_not_allowed')
  expect(await refusing('pol_now', 1)).toBeUndefined()
  expect(await refusing('pol_former', -3)).toBeUndefined()
  expect(await refusing('pol_next', 0)).toBeUndefined()
})

test('one query, that reads by index among 20,000 recipients', async () => {
  await owner.knex.raw(`
    INSERT INTO recipients (id, address, kind, organisation, state, created_at, attested_until)
      SELECT 'rcp_' || i, 'many' || i || '@bank.test', 'supplier', 'Bank', 'active', now(), 'infinity'
        FROM generate_series(1, 20000) i;
    ALTER TABLE certificates DISABLE TRIGGER certificates_guard;
    INSERT INTO certificates SELECT upper(lpad(to_hex(i), 40, '0')), 'rcp_' || i, ''::bytea, repeat('A', 40), 'x25519', 'seipdv2', 'active', now()
      FROM generate_series(1, 20000) i;
    ALTER TABLE certificates ENABLE TRIGGER certificates_guard;
    ANALYZE recipients, certificates`)
  const asked: { sql: string; bindings: readonly Knex.RawBinding[] }[] = []
  const listen = (query: (typeof asked)[number]): void => {
    asked.push(query)
  }
  gateway.knex.on('query', listen)
  const { usable } = await resolve('many77@bank.test' as Address, 'many19999@bank.test' as Address)
  gateway.knex.off('query', listen)
  expect(usable).toHaveLength(2)
  expect(asked).toHaveLength(1)
  const [{ sql, bindings }] = asked as [(typeof asked)[number]]
  const { rows } = await gateway.knex.raw<{ rows: Record<string, string>[] }>(
    `EXPLAIN ${sql.replace(/\$\d/g, '?')}`,
    [...bindings],
  )
  const plan = rows.map(row => row['QUERY PLAN']).join('\n')
  expect(plan).toContain('recipients_address')
  expect(plan).not.toContain('Seq Scan on recipients')
  expect(plan).not.toContain('Seq Scan on certificates c')
})
