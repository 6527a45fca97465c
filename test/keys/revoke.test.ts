import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Actor } from '../../src/audit/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { revokeCertificate } from '../../src/keys/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { checkStillUsable, type Pin } from '../../src/recipients/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { noticeSender } from '../support/notices.ts'
import { insertCertificate, insertRecipient } from '../support/recipients.ts'

const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 3 }
const host: Actor = { kind: 'host' }

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

async function pinned(): Promise<Pin> {
  return insertCertificate(owner.knex, await insertRecipient(owner.knex))
}

function revoke({ certificate }: Pick<Pin, 'certificate'>) {
  return gateway.knex.transaction(trx =>
    revokeCertificate(trx, systemClock, {
      actor: host,
      means: 'host',
      reason: 'left',
      fingerprint: certificate,
      stop: () => Promise.resolve(0),
      sender: noticeSender,
    }),
  )
}

async function revocationsOf({ certificate }: Pin): Promise<number> {
  const rows: unknown[] = await owner
    .knex('audit_events')
    .where({ type: 'certificate.revoked' })
    .whereLike('body', `%${certificate}%`)
  return rows.length
}

test('a revocation stops what waits, and is audited', async () => {
  const pin = await pinned()
  expect(await revoke(pin)).toEqual({ outcome: 'revoked', stopped: 0 })
  expect(await checkStillUsable(gateway.knex, [pin], new Date())).toEqual(['certificate_revoked'])
  expect(await revocationsOf(pin)).toBe(1)
})

test('a second revocation changes nothing and writes no second event', async () => {
  const pin = await pinned()
  await revoke(pin)
  const before: unknown = await owner.knex('certificates').where({ fingerprint: pin.certificate }).first()
  expect(await revoke(pin)).toEqual({ outcome: 'already_revoked', stopped: 0 })
  expect(await owner.knex('certificates').where({ fingerprint: pin.certificate }).first()).toEqual(before)
  expect(await revocationsOf(pin)).toBe(1)
})

test('two revocations at once are one', async () => {
  const pin = await pinned()
  const outcomes = await Promise.all([revoke(pin), revoke(pin), revoke(pin)])
  expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual([
    'already_revoked',
    'already_revoked',
    'revoked',
  ])
  expect(await revocationsOf(pin)).toBe(1)
})

test('a certificate that nobody has is unknown', async () => {
  expect((await revoke({ certificate: 'F'.repeat(40) })).outcome).toBe('unknown_certificate')
})

test('when the audit event cannot be written, nothing is revoked', async () => {
  const pin = await pinned()
  await owner.knex.raw(`REVOKE INSERT ON audit_events FROM sealpost_gateway`)
  await expect(revoke(pin)).rejects.toThrow()
  await owner.knex.raw(`GRANT INSERT ON audit_events TO sealpost_gateway`)
  expect(await checkStillUsable(gateway.knex, [pin], new Date())).toEqual([undefined])
  expect(await revocationsOf(pin)).toBe(0)
})
