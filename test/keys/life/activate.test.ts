import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Clock, type RecipientId, systemClock } from '../../../src/kernel/index.ts'
import {
  type ApprovedProposal,
  activateCertificate,
  retireAll,
  revokeCertificate,
  type StopDeliveries,
} from '../../../src/keys/index.ts'
import { type Database, openDatabase } from '../../../src/platform/index.ts'
import { checkStillUsable, type Pin } from '../../../src/recipients/index.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { closeGate, eventually } from '../../support/locks.ts'
import { noticeSender } from '../../support/notices.ts'
import { insertApproved, insertProposal } from '../../support/proposals.ts'
import { insertCertificate, insertRecipient } from '../../support/recipients.ts'

const session = { applicationName: 'test', statementTimeout: 30_000, poolSize: 6 }
const actor = { kind: 'gateway' } as const
const hour = 3_600_000
let database: TestDatabase
let owner: Database
let gateway: Database
let superuser: Database

beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, session)
  gateway = openDatabase(database.gateway, session)
  superuser = openDatabase(database.superuser, session)
})
afterAll(async () => {
  await Promise.all([owner.close(), gateway.close(), superuser.close()])
  await database.drop()
})

/** What was asked to be stopped. */
const stopped: unknown[] = []
const stop: StopDeliveries = (_trx, _clock, which, code) => {
  stopped.push([which, code])
  return Promise.resolve(3)
}
const inAnHour = () => new Date(Date.now() + hour)

function activate(proposal: ApprovedProposal, overlapUntil = inAnHour(), clock: Clock = systemClock) {
  return gateway.knex.transaction(trx => activateCertificate(trx, clock, actor, stop, proposal, overlapUntil))
}
function revoke(fingerprint: string) {
  const order = {
    actor,
    means: 'operator',
    reason: 'compromised',
    fingerprint,
    stop,
    sender: noticeSender,
  } as const
  return gateway.knex.transaction(trx => revokeCertificate(trx, systemClock, order))
}

interface Row {
  fingerprint: string
  state: string
}
async function certificatesOf(recipient: RecipientId): Promise<Record<string, string>> {
  const rows = await owner
    .knex('certificates')
    .where({ recipient_id: recipient })
    .select<Row[]>('fingerprint', 'state')
  return Object.fromEntries(rows.map(({ fingerprint, state }) => [fingerprint, state]))
}
async function eventsOf(fingerprint: string): Promise<Record<string, unknown>[]> {
  const bodies = await owner
    .knex('audit_events')
    .whereLike('type', 'certificate.%')
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies
    .map(body => JSON.parse(body) as Record<string, unknown>)
    .filter(({ certificate }) => certificate === fingerprint)
}

/** A recipient with an active certificate. */
async function enrolled(): Promise<Pin> {
  return insertCertificate(owner.knex, await insertRecipient(owner.knex))
}

test('the first certificate becomes active, with its event', async () => {
  const { recipient } = await insertRecipient(owner.knex)
  const proposal = await insertApproved(owner.knex, recipient)
  await activate(proposal)
  const { fingerprint, id } = proposal
  expect(await certificatesOf(recipient)).toEqual({ [fingerprint]: 'active' })
  expect(await eventsOf(fingerprint)).toMatchObject([
    { type: 'certificate.activated', recipient, proposal: id },
  ])
  const row: unknown = await owner.knex('certificates').where({ fingerprint }).first()
  expect(row).toMatchObject({
    bytes: proposal.bytes,
    encryption_subkey: proposal.encryptionSubkey,
    expires_at: proposal.expiresAt,
    proposal_id: id,
  })
})

describe('a replacement', () => {
  test('retires the one before it, which may finish until the overlap ends', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient)
    const until = inAnHour()
    stopped.length = 0
    await activate(proposal, until)
    expect(await certificatesOf(old.recipient)).toEqual({
      [old.certificate]: 'retired',
      [proposal.fingerprint]: 'active',
    })
    expect(await eventsOf(old.certificate)).toMatchObject([
      { type: 'certificate.retired', finishUntil: until.toISOString() },
    ])
    expect(stopped).toEqual([])
    const usable = (at: Date) => checkStillUsable(gateway.knex, [old], at)
    expect(await usable(new Date(until.getTime() - 1))).toEqual([undefined])
    expect(await usable(until)).toEqual(['certificate_retired'])
  })

  test('without overlap stops what waits for the one before it', async () => {
    const old = await enrolled()
    stopped.length = 0
    await activate(await insertApproved(owner.knex, old.recipient), new Date(Date.now() - hour))
    const { certificate, encryptionSubkey } = old
    expect(stopped).toEqual([[{ certificate, encryptionSubkey }, 'certificate_retired']])
    expect(await checkStillUsable(gateway.knex, [old], new Date())).toEqual(['certificate_retired'])
  })

  test('that the active certificate certified takes its place without a second person', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient, { certifiedBy: old.certificate })
    await activate(proposal)
    expect(await certificatesOf(old.recipient)).toMatchObject({ [proposal.fingerprint]: 'active' })
  })

  test('that was certified by a key which was revoked since does not', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient, { certifiedBy: old.certificate })
    await revoke(old.certificate)
    await expect(activate(proposal)).rejects.toThrow()
    expect(await certificatesOf(old.recipient)).toEqual({ [old.certificate]: 'revoked' })
  })
})

describe('nothing changes when', () => {
  test('nobody approved the proposal', async () => {
    const old = await enrolled()
    await expect(activate(await insertProposal(owner.knex, old.recipient))).rejects.toThrow()
    expect(await certificatesOf(old.recipient)).toEqual({ [old.certificate]: 'active' })
  })

  test('other bytes are activated than were approved', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient)
    await expect(activate({ ...proposal, bytes: Buffer.from('other') })).rejects.toThrow()
    await expect(activate({ ...proposal, encryptionSubkey: 'F'.repeat(40) })).rejects.toThrow()
    expect(await certificatesOf(old.recipient)).toEqual({ [old.certificate]: 'active' })
  })

  test.each(['active', 'retired', 'revoked'] as const)('the key is %s with somebody else', async state => {
    const { certificate } = await insertCertificate(owner.knex, await insertRecipient(owner.knex), { state })
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient, { fingerprint: certificate })
    await expect(activate(proposal)).rejects.toMatchObject({ code: 'certificate_in_use' })
    expect(await certificatesOf(old.recipient)).toEqual({ [old.certificate]: 'active' })
  })

  test('the key was revoked before: its tombstone stands', async () => {
    const old = await enrolled()
    await revoke(old.certificate)
    const proposal = await insertApproved(owner.knex, old.recipient, { fingerprint: old.certificate })
    await expect(activate(proposal)).rejects.toMatchObject({ code: 'certificate_in_use' })
    expect(await certificatesOf(old.recipient)).toEqual({ [old.certificate]: 'revoked' })
  })

  test('the audit event cannot be written', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient)
    await owner.knex.raw('REVOKE INSERT ON audit_events FROM sealpost_gateway')
    await expect(activate(proposal)).rejects.toThrow()
    await owner.knex.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
    expect(await certificatesOf(old.recipient)).toEqual({ [old.certificate]: 'active' })
  })

  test.each(['certificates', 'audit_events'] as const)('it is killed at its INSERT into %s', async table => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient)
    const gate = await closeGate(owner.knex, database.owner, table)
    const activation = activate(proposal).catch((error: unknown) => error)
    await gate.reached()
    await killWaiting()
    expect(await activation).toBeInstanceOf(Error)
    await gate.open()
    expect(await certificatesOf(old.recipient)).toEqual({ [old.certificate]: 'active' })
    expect(await eventsOf(old.certificate)).toEqual([])
    // And then it can be done again.
    await activate(proposal)
    expect(await certificatesOf(old.recipient)).toMatchObject({ [proposal.fingerprint]: 'active' })
  })
})

describe('revocation against activation:', () => {
  test('a revocation of the old key that comes during the activation is not lost', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient)
    const gate = await closeGate(owner.knex, database.owner, 'certificates')
    const activation = activate(proposal)
    await gate.reached()
    const revocation = revoke(old.certificate)
    await lockWaiter()
    await gate.open()
    await activation
    expect(await revocation).toMatchObject({ outcome: 'revoked' })
    expect(await certificatesOf(old.recipient)).toEqual({
      [old.certificate]: 'revoked',
      [proposal.fingerprint]: 'active',
    })
    expect(await checkStillUsable(gateway.knex, [old], new Date())).toEqual(['certificate_revoked'])
  })

  test('an activation that comes during the revocation of the old key does not retire what is revoked', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient)
    const gate = await closeGate(owner.knex, database.owner, 'audit_events')
    const revocation = revoke(old.certificate)
    await gate.reached()
    const activation = activate(proposal)
    await lockWaiter()
    await gate.open()
    await Promise.all([revocation, activation])
    expect(await certificatesOf(old.recipient)).toEqual({
      [old.certificate]: 'revoked',
      [proposal.fingerprint]: 'active',
    })
    expect((await eventsOf(old.certificate)).map(({ type }) => type)).toEqual(['certificate.revoked'])
  })

  test('nor does one that leans on the old key alone', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient, { certifiedBy: old.certificate })
    const gate = await closeGate(owner.knex, database.owner, 'audit_events')
    const revocation = revoke(old.certificate)
    await gate.reached()
    const activation = activate(proposal).catch((error: unknown) => error)
    await lockWaiter()
    await gate.open()
    await revocation
    expect(await activation).toBeInstanceOf(Error)
    expect(await certificatesOf(old.recipient)).toEqual({ [old.certificate]: 'revoked' })
  })

  test('two activations at once leave one active certificate', async () => {
    const old = await enrolled()
    const proposal = await insertApproved(owner.knex, old.recipient)
    const outcomes = await Promise.allSettled([activate(proposal), activate(proposal), activate(proposal)])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await certificatesOf(old.recipient)).toEqual({
      [old.certificate]: 'retired',
      [proposal.fingerprint]: 'active',
    })
  })
})

test('at the end of an enrolment everything is retired at once and what waits is stopped', async () => {
  const old = await enrolled()
  const proposal = await insertApproved(owner.knex, old.recipient)
  await activate(proposal)
  stopped.length = 0
  const count = await gateway.knex.transaction(trx =>
    retireAll(trx, systemClock, actor, old.recipient, stop, 'recipient_not_active'),
  )
  expect(count).toBe(3)
  expect(stopped).toEqual([[{ recipient: old.recipient }, 'recipient_not_active']])
  expect(await certificatesOf(old.recipient)).toEqual({
    [old.certificate]: 'retired',
    [proposal.fingerprint]: 'retired',
  })
  expect(await checkStillUsable(gateway.knex, [old], new Date())).toEqual(['certificate_retired'])
})

/** Until a transaction waits for the row lock of another. */
function lockWaiter(): Promise<void> {
  return eventually('somebody waits for a row', async () => {
    const { rows } = await superuser.knex.raw<{ rows: unknown[] }>(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND wait_event IN ('transactionid', 'tuple')`,
    )
    return rows.length > 0
  })
}

/** Ends the backend that waits at a gate, as a crash of this gateway's connection would. */
async function killWaiting(): Promise<void> {
  await superuser.knex.raw(
    `SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
}
