import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/platform/index.ts'
import { checkStillUsable, resolveRecipients } from '../../src/recipients/index.ts'
import { makeRecipient, type TestRecipient } from '../sealer/support.ts'
import { closeGate } from '../support/locks.ts'
import { fingerprintOf, openTestEnrolment, outcomeOf, type TestEnrolment, type Walked } from './support.ts'

let house: TestEnrolment
let broken: string | undefined
beforeAll(async () => {
  house = await openTestEnrolment()
})
afterEach(() => repair())
afterAll(() => house.close())

const minutes = (days: number) => days * 24 * 60

/** A recipient with a certificate in use, and a request to replace it. */
async function replacing(): Promise<{ who: Walked; key: TestRecipient; change: string }> {
  const who = await house.walked()
  const key = await makeRecipient(who.recipient.address)
  const { id } = await house.verified(who, key)
  return { who, key, change: id }
}

async function everything(): Promise<unknown> {
  const { rows } = await house.owner.raw<{ rows: unknown[] }>(
    `SELECT (SELECT json_agg(c ORDER BY fingerprint) FROM (SELECT fingerprint, state, finish_until FROM certificates) c) AS c,
            (SELECT json_agg(p ORDER BY id) FROM (SELECT id, state, approved_at FROM proposals) p) AS p,
            (SELECT json_agg(h ORDER BY id) FROM (SELECT id, state FROM change_requests) h) AS h,
            (SELECT count(*) FROM notices), (SELECT count(*) FROM recipient_links) AS links,
            (SELECT count(*) FROM audit_events WHERE type <> 'change.refused') AS events`,
  )
  return rows[0]
}

test.each([
  ['INSERT', 'certificates', 'true', '22000'],
  ['UPDATE', 'certificates', 'true', '22000'],
  ['UPDATE', 'change_requests', 'true', '22000'],
  ['UPDATE', 'proposals', `NEW.state = 'approved'`, '22000'],
  ['UPDATE', 'proposals', `NEW.state = 'activated'`, '22000'],
  ['INSERT', 'notices', `NEW.kind = 'certificate_changed'`, '22000'],
  ['INSERT', 'recipient_links', 'true', '22000'],
  ['INSERT', 'audit_events', `NEW.type = 'change.approved'`, '22000'],
  ['INSERT', 'audit_events', `NEW.type = 'proposal.approved'`, '22000'],
  ['INSERT', 'audit_events', `NEW.type = 'certificate.retired'`, '22000'],
  ['INSERT', 'audit_events', `NEW.type = 'certificate.activated'`, '22000'],
  // disk_full
  ['INSERT', 'certificates', 'true', '53100'],
])(
  '%s %s fails, when %s, with %s: the old certificate stays in use, and the approval can be repeated',
  async (operation, table, when, sqlstate) => {
    const { who, key, change } = await replacing()
    const before = await everything()
    await breakWrite(operation, table, when, sqlstate)
    const error: unknown = await house.approvals
      .approve(house.second, change)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(await everything()).toEqual(before)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({
      recipient: 'active',
      active: who.fingerprint,
    })
    await repair()

    await house.approvals.approve(house.second, change)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({
      active: fingerprintOf(key),
      proposal: 'activated',
    })
  },
)

test('the connection is killed in the middle of a rotation: old, never neither', async () => {
  const { who, key, change } = await replacing()
  const before = await everything()
  const gate = await closeGate(house.owner, house.database.owner, 'certificates')
  const approving = outcomeOf(house.approvals.approve(house.second, change))
  await gate.reached()
  await killWaiting()
  expect(await approving).toBe('database_unavailable')
  await gate.open()
  expect(await everything()).toEqual(before)
  await house.approvals.approve(house.second, change)
  expect(await house.stateOf(who.recipient.id)).toMatchObject({ active: fingerprintOf(key) })
})

test('after a rotation, what was accepted for the old certificate may go out for the time of the overlap', async () => {
  house.lifecycle({ overlapDays: 2, coolingOffHours: { first: 0, replacement: 0 } })
  const who = await house.walked()
  const [old] = (await resolveRecipients(house.gateway, [who.recipient.address], house.clock.now())).usable
  const pin = {
    recipient: who.recipient.id,
    address: who.recipient.address,
    certificate: who.fingerprint,
    encryptionSubkey: old!.certificate.encryptionSubkey,
  }
  const key = await makeRecipient(who.recipient.address)
  await house.approved(who, key)
  const later = (days: number) => new Date(house.clock.now().getTime() + minutes(days) * 60_000)
  const [now] = (await resolveRecipients(house.gateway, [who.recipient.address], house.clock.now())).usable
  expect(now?.certificate.fingerprint).toBe(fingerprintOf(key))
  expect(await checkStillUsable(house.gateway, [pin], later(1.9))).toEqual([undefined])
  expect(await checkStillUsable(house.gateway, [pin], later(2.1))).toEqual(['certificate_retired'])
  expect(await house.tokenIn(who.recipient.id, 'certificate_changed', 'stopToken')).toBeTruthy()
})

test('a cooling-off: the replacement waits, its owner is told, and their link stops it', async () => {
  house.lifecycle({ coolingOffHours: { first: 0, replacement: 24 } })
  const [who, other] = [await house.walked(), await house.walked()]
  const [key, theirs] = [
    await makeRecipient(who.recipient.address),
    await makeRecipient(other.recipient.address),
  ]
  await house.approved(who, key)
  await house.approved(other, theirs)
  expect((await house.enrolment.recipientOf(who.session)).step).toBe('wait')
  expect(await house.enrolment.activateDue(house.clock.now())).toBe(0)
  const token = await house.tokenIn(other.recipient.id, 'replacement_approved', 'stopToken')
  await house.enrolment.revokeByLink(token, 'unknown', '192.0.2.1')
  house.clock.pass(24 * 60 + 1)
  // Two replicas at once.
  const now = house.clock.now()
  const done = await Promise.all([house.enrolment.activateDue(now), house.enrolment.activateDue(now)])
  expect(done.reduce((sum, count) => sum + count)).toBe(1)
  expect(await house.stateOf(who.recipient.id)).toMatchObject({
    active: fingerprintOf(key),
    proposal: 'activated',
  })
  expect(await house.stateOf(other.recipient.id)).toMatchObject({ active: null, proposal: 'dropped' })
  house.lifecycle({})
})

/** Whoever waits at a gate. */
async function killWaiting(): Promise<void> {
  const superuser = openDatabase(house.database.superuser, {
    applicationName: 'test',
    statementTimeout: 5_000,
    poolSize: 1,
  })
  await superuser.knex.raw(
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  await superuser.close()
}

async function breakWrite(operation: string, table: string, when: string, sqlstate: string): Promise<void> {
  broken = table
  await house.owner.raw(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${sqlstate}'; END $$;
    CREATE TRIGGER a_fail BEFORE ${operation} ON ${table} FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION fail()`)
}

async function repair(): Promise<void> {
  if (broken === undefined) return
  await house.owner.raw(`DROP TRIGGER a_fail ON ${broken}; DROP FUNCTION fail`)
  broken = undefined
}
