import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Clock, type RecipientId, systemClock } from '../../../src/kernel/index.ts'
import {
  type ApprovedProposal,
  activateCertificate,
  assertNoSharedFactor,
  exposureOf,
  findCertificate,
  revokeCertificate,
  type StopDeliveries,
} from '../../../src/keys/index.ts'
import { type Database, openDatabase } from '../../../src/platform/index.ts'
import { checkStillUsable, type Pin, resolveRecipients } from '../../../src/recipients/index.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { closeGate, eventually } from '../../support/locks.ts'
import { noticeSender } from '../../support/notices.ts'
import { insertApproved, someFingerprint } from '../../support/proposals.ts'
import { insertCertificate, insertRecipient } from '../../support/recipients.ts'

// Several encryption subkeys under one primary key, as the tables and the life of certificates see them.

const session = { applicationName: 'test', statementTimeout: 30_000, poolSize: 6 }
const actor = { kind: 'gateway' } as const
const hour = 3_600_000
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

/** What was asked to be stopped. */
const stopped: unknown[] = []
const stop: StopDeliveries = (_trx, _clock, which) => {
  stopped.push(which)
  return Promise.resolve(3)
}
const inAnHour = () => new Date(Date.now() + hour)

function activate(proposal: ApprovedProposal, overlapUntil = inAnHour(), clock: Clock = systemClock) {
  return gateway.knex.transaction(trx => activateCertificate(trx, clock, actor, stop, proposal, overlapUntil))
}
function revoke(fingerprint: string) {
  const order = { actor, means: 'operator', reason: 'compromised', fingerprint, stop } as const
  return gateway.knex.transaction(trx =>
    revokeCertificate(trx, systemClock, { ...order, sender: noticeSender }),
  )
}

async function enrolled(): Promise<Pin> {
  return insertCertificate(owner.knex, await insertRecipient(owner.knex))
}
/** An approved proposal of another subkey under the primary key of a pin; the one before it is done with. */
async function anotherSubkey({ recipient, certificate }: Pick<Pin, 'recipient' | 'certificate'>) {
  await owner
    .knex('proposals')
    .where({ recipient_id: recipient, state: 'approved' })
    .update({ state: 'activated', activated_at: new Date() })
  return insertApproved(owner.knex, recipient, { fingerprint: certificate })
}

async function rotated(): Promise<{ old: Pin; now: Pin }> {
  const old = await enrolled()
  const { encryptionSubkey } = await insertedBy(anotherSubkey(old))
  return { old, now: { ...old, encryptionSubkey } }
}
async function insertedBy(proposal: Promise<ApprovedProposal>): Promise<ApprovedProposal> {
  const approved = await proposal
  await activate(approved)
  return approved
}

async function statesOf(fingerprint: string): Promise<Record<string, string>> {
  const rows: readonly { subkey: string; state: string }[] = await owner
    .knex('certificates')
    .where({ fingerprint })
    .select({ subkey: 'encryption_subkey', state: 'state' })
  return Object.fromEntries(rows.map(({ subkey, state }) => [subkey, state]))
}
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'ok'
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

describe('a new subkey', () => {
  test('takes the place of the old one, which may finish; each is judged by itself', async () => {
    const { old, now } = await rotated()
    expect(await statesOf(old.certificate)).toEqual({
      [old.encryptionSubkey]: 'retired',
      [now.encryptionSubkey]: 'active',
    })
    const usable = (hours: number) =>
      checkStillUsable(gateway.knex, [old, now], new Date(Date.now() + hours * hour))
    expect(await usable(0)).toEqual([undefined, undefined])
    expect(await usable(2)).toEqual(['certificate_retired', undefined])
    const { usable: resolved } = await resolveRecipients(gateway.knex, [old.address], new Date())
    expect(resolved).toMatchObject([{ certificate: { encryptionSubkey: now.encryptionSubkey } }])
  })

  test('without overlap stops what waits for the old subkey, and not for the key', async () => {
    const old = await enrolled()
    stopped.length = 0
    await activate(await anotherSubkey(old), new Date(Date.now() - hour))
    expect(stopped).toEqual([{ certificate: old.certificate, encryptionSubkey: old.encryptionSubkey }])
  })

  test('can be followed by a third one, and by another key, after which a fourth one may come', async () => {
    const { old } = await rotated()
    await activate(await anotherSubkey(old))
    await activate(await anotherSubkey({ ...old, certificate: someFingerprint() }))
    expect(Object.values(await statesOf(old.certificate))).toEqual(['retired', 'retired', 'retired'])
    await activate(await anotherSubkey(old))
    expect(Object.values(await statesOf(old.certificate)).toSorted()).toEqual([
      'active',
      'retired',
      'retired',
      'retired',
    ])
    const { state, subkeys } = await findCertificate(gateway.knex, old.certificate)
    expect([state, subkeys.length]).toEqual(['active', 4])
  })

  test('is refused by a policy without the other one', async () => {
    const { old, now } = await rotated()
    await owner.knex('policy_records').insert({
      id: 'pol_subkeys',
      policy: 'standard',
      sha256: '0'.repeat(64),
      effective_at: new Date(Date.now() - hour),
      expires_at: inAnHour(),
      approved_at: new Date(),
    })
    await owner.knex('policy_refusals').insert({
      record_id: 'pol_subkeys',
      fingerprint: old.certificate,
      encryption_subkey: old.encryptionSubkey,
      reasons: ['cryptoperiod_over'],
      from_at: new Date(0),
    })
    expect(await checkStillUsable(gateway.knex, [old, now], new Date())).toEqual([
      'certificate_not_allowed',
      undefined,
    ])
    const { usable } = await resolveRecipients(gateway.knex, [old.address], new Date())
    expect(usable).toHaveLength(1)
  })

  test('has the modulus of the primary key in common with the old one, and that is no shared factor', async () => {
    const { old, now } = await rotated()
    const modulus = ((2n ** 521n - 1n) * (2n ** 607n - 1n)).toString(16)
    const rsa_moduli = [Buffer.from(modulus.padStart(modulus.length + (modulus.length % 2), '0'), 'hex')]
    await owner.knex('certificates').where({ fingerprint: now.certificate }).update({ rsa_moduli })
    await assertNoSharedFactor(gateway.knex, [modulus], now.recipient)
    const other = await enrolled()
    expect(await codeOf(assertNoSharedFactor(gateway.knex, [modulus], other.recipient))).toBe(
      'certificate_refused',
    )
    expect(old.certificate).toBe(now.certificate)
  })
})

describe('nothing changes when', () => {
  test('the subkey was in use before, active or retired', async () => {
    const { old, now } = await rotated()
    const before = await statesOf(old.certificate)
    for (const { encryptionSubkey } of [old, now]) {
      const again = { ...(await anotherSubkey(old)), encryptionSubkey }
      expect(await codeOf(activate(again))).toBe('certificate_in_use')
    }
    expect(await statesOf(old.certificate)).toEqual(before)
  })

  test.each(['active', 'retired'] as const)(
    'the primary key is %s with somebody else, whatever the subkey',
    async state => {
      const theirs = await insertCertificate(owner.knex, await insertRecipient(owner.knex), { state })
      const mine = await enrolled()
      const proposal = await insertApproved(owner.knex, mine.recipient, { fingerprint: theirs.certificate })
      expect(await codeOf(activate(proposal))).toBe('certificate_in_use')
      expect(await statesOf(mine.certificate)).toEqual({ [mine.encryptionSubkey]: 'active' })
      // Not even the owner of the database gets it in.
      const byHand = insertCertificate(owner.knex, mine, { state: 'retired', under: theirs.certificate })
      await expect(byHand).rejects.toMatchObject({ code: '23505', constraint: 'certificates_primary_key' })
    },
  )

  test('any subkey of the primary key was ever revoked', async () => {
    const { old } = await rotated()
    await revoke(old.certificate)
    expect(await codeOf(activate(await anotherSubkey(old)))).toBe('certificate_in_use')
    const byHand = insertCertificate(owner.knex, old, { state: 'retired', under: old.certificate })
    await expect(byHand).rejects.toMatchObject({ code: '23505', constraint: 'certificates_primary_key' })
  })

  test('two recipients bring in one primary key at once: it becomes one’s', async () => {
    const [one, other] = [await enrolled(), await enrolled()]
    const first = await insertApproved(owner.knex, one.recipient)
    const second = await insertApproved(owner.knex, other.recipient, { fingerprint: first.fingerprint })
    const gate = await closeGate(owner.knex, database.superuser, 'audit_events')
    const winner = activate(first)
    await gate.reached()
    const loser = codeOf(activate(second))
    await lockWaiter()
    await gate.open()
    await winner
    expect(await loser).toBe('certificate_in_use')
    const owners = await owner
      .knex('certificates')
      .where({ fingerprint: first.fingerprint })
      .pluck('recipient_id')
    expect(owners).toEqual([one.recipient])
    expect(await statesOf(other.certificate)).toEqual({ [other.encryptionSubkey]: 'active' })
  })
})

describe('a revocation', () => {
  test('takes every subkey, active and retired, and all that waits for them, once', async () => {
    const { old, now } = await rotated()
    stopped.length = 0
    expect(await revoke(old.certificate)).toEqual({ outcome: 'revoked', stopped: 3 })
    expect(Object.values(await statesOf(old.certificate))).toEqual(['revoked', 'revoked'])
    expect(stopped).toEqual([{ certificate: old.certificate }])
    expect(await checkStillUsable(gateway.knex, [old, now], new Date())).toEqual([
      'certificate_revoked',
      'certificate_revoked',
    ])
    const told = await owner.knex('notices').where({ recipient_id: old.recipient, kind: 'revoked' })
    expect(told).toHaveLength(1)
    expect(await revoke(old.certificate)).toEqual({ outcome: 'already_revoked', stopped: 0 })
  })

  test('that comes while a new subkey is activated takes the new one as well', async () => {
    const old = await enrolled()
    const proposal = await anotherSubkey(old)
    const gate = await closeGate(owner.knex, database.superuser, 'audit_events')
    const activation = activate(proposal)
    await gate.reached()
    const revocation = revoke(old.certificate)
    await lockWaiter()
    await gate.open()
    await activation
    expect(await revocation).toMatchObject({ outcome: 'revoked' })
    expect(await statesOf(old.certificate)).toEqual({
      [old.encryptionSubkey]: 'revoked',
      [proposal.encryptionSubkey]: 'revoked',
    })
  })

  test('under way is waited for by the activation of a new subkey, which is then refused', async () => {
    const old = await enrolled()
    const proposal = await anotherSubkey(old)
    const gate = await closeGate(owner.knex, database.superuser, 'audit_events')
    const revocation = revoke(old.certificate)
    await gate.reached()
    const activation = codeOf(activate(proposal))
    await lockWaiter()
    await gate.open()
    await revocation
    expect(await activation).toBe('certificate_in_use')
    expect(await statesOf(old.certificate)).toEqual({ [old.encryptionSubkey]: 'revoked' })
  })

  test('and an activation at once, with several subkeys there, never wait for each other in a circle', async () => {
    for (let round = 0; round < 8; round++) {
      const { old } = await rotated()
      await activate(await anotherSubkey(old))
      const proposal = await anotherSubkey(old)
      const outcomes = await Promise.all([
        codeOf(activate(proposal)),
        codeOf(revoke(old.certificate)),
        codeOf(activate(proposal)),
      ])
      expect(outcomes.filter(code => code !== 'ok' && code !== 'certificate_in_use')).toEqual([])
      expect(new Set(Object.values(await statesOf(old.certificate)))).toEqual(new Set(['revoked']))
    }
  })
})

test('what a key opens is told for all its subkeys, with the one that each was encrypted to', async () => {
  const { old, now } = await rotated()
  await owner.knex('applications').insert({
    id: 'app_1',
    name: 'billing',
    san: 'DNS:billing',
    senders: [],
    created_at: new Date(),
  })
  await owner.knex('messages').insert({
    id: 'msg_1',
    application_id: 'app_1',
    sender: 'a@pay.test',
    accepted_at: new Date(),
  })
  await deliver(old, 0, now.recipient)
  await deliver(now, 1, now.recipient)
  const { deliveries, rows } = await exposureOf(gateway.knex, systemClock, actor, old.certificate)
  const subkeys: string[] = []
  for await (const { encryptionSubkey } of rows) subkeys.push(encryptionSubkey)
  expect([deliveries, subkeys]).toEqual([2, [old.encryptionSubkey, now.encryptionSubkey]])
  // A delivery to a subkey that its certificate never had is none.
  const stray = deliver({ ...old, encryptionSubkey: 'F'.repeat(40) }, 2, now.recipient)
  await expect(stray).rejects.toMatchObject({ code: '23503' })
})

function deliver(pin: Pin, position: number, recipient: RecipientId): Promise<unknown> {
  return owner.knex('deliveries').insert({
    id: `dlv_${position}`,
    message_id: 'msg_1',
    position,
    recipient_id: recipient,
    address: pin.address,
    certificate: pin.certificate,
    encryption_subkey: pin.encryptionSubkey,
    format: 'seipdv1',
    outer_date: 'Fri, 20 Nov 2026 20:35:55 +0000',
    outer_message_id: `<${position}@pay.test>`,
    ciphertext_sha256: '0'.repeat(64),
    ciphertext_bytes: 1,
    state: 'queued',
    accepted_at: new Date(Date.now() - 1000 + position),
    next_attempt_at: new Date(),
    give_up_at: inAnHour(),
  })
}

/** Waits until somebody waits for a row or for a transaction. */
function lockWaiter(): Promise<void> {
  return eventually('a transaction waits for another one', async () => {
    const { rows } = await owner.knex.raw<{ rows: unknown[] }>(
      `SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')`,
    )
    return rows.length > 0
  })
}
