import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findChangeRequest, openApprovals } from '../../src/access/index.ts'
import { newId, SealpostError } from '../../src/kernel/index.ts'
import { type Policy, policyInForce, readPolicyFile } from '../../src/policy/index.ts'
import {
  type Enrolment,
  type EnrolmentDependencies,
  openEnrolment,
  resolveRecipients,
} from '../../src/recipients/index.ts'
import { makeRecipient, type TestRecipient } from '../sealer/support.ts'
import { closeGate } from '../support/locks.ts'
import { fingerprintOf, type Invited, openTestEnrolment, outcomeOf, type TestEnrolment } from './support.ts'

/*
 * A certificate is proposed under the policy `standard`, and `strict` takes effect before it is approved or comes into use:
 * that one refuses its format. What is in force is what the database says.
 */

let house: TestEnrolment
let enrolment: Enrolment
let approvals: ReturnType<typeof openApprovals>
let lifecycle: Partial<Policy['lifecycle']>

beforeAll(async () => {
  house = await openTestEnrolment()
  const { clock, gateway, dependencies } = house
  const policy: EnrolmentDependencies['policy'] = async handle => {
    const adopted = await policyInForce(handle, clock.now())
    if (adopted === undefined) throw new SealpostError('sending_not_approved')
    return { ...adopted.policy, lifecycle: { ...adopted.policy.lifecycle, ...lifecycle } }
  }
  enrolment = openEnrolment({ ...dependencies, policy })
  approvals = openApprovals({
    knex: gateway,
    clock,
    apply: {
      'recipient.activate': enrolment.applyActivation,
      'recipient.reinstate': enrolment.applyReinstate,
      'recipient.attest': enrolment.applyAttest,
      'policy.adopt': () => Promise.reject(new Error('not here')),
      'destination.set': () => Promise.reject(new Error('not here')),
    },
  })
})
beforeEach(async () => {
  lifecycle = { coolingOffHours: { first: 0, replacement: 0 } }
  await house.owner.raw('TRUNCATE policy_records CASCADE')
  await adopt('standard', -10)
})
afterAll(() => house.close())

const peer = '192.0.2.1'
const minute = 60_000

/** As the gateway does when a policy is approved, with the time in minutes from now. */
async function adopt(policy: 'standard' | 'strict', inMinutes = 0): Promise<void> {
  const now = house.clock.now().getTime()
  await house.gateway('policy_records').insert({
    id: newId('pol', house.clock),
    policy,
    sha256: readPolicyFile(policy).sha256,
    effective_at: new Date(now + inMinutes * minute),
    expires_at: new Date(now + 365 * 24 * 60 * minute),
    approved_at: new Date(now),
  })
}

const approve = (change: string) => outcomeOf(approvals.approve(house.second, change))
const usable = async ({ recipient }: Invited) =>
  (await resolveRecipients(house.gateway, [recipient.address], house.clock.now())).usable.length === 1

async function waiting(): Promise<{ who: Invited; key: TestRecipient; change: string }> {
  const who = await house.invited()
  const key = await makeRecipient(who.recipient.address)
  const { id } = await house.verified(who, key)
  return { who, key, change: id }
}

/** Everything that says that the proposal ended, why, and who was told. */
async function expectDropped({ recipient, session }: Invited, key: TestRecipient): Promise<void> {
  const fingerprint = fingerprintOf(key)
  const { proposals } = await enrolment.show(recipient.id)
  const [dropped] = proposals
  expect(dropped).toMatchObject({ fingerprint, state: 'dropped', droppedFor: 'certificate_not_allowed' })
  const last = async (type: string) => (await house.events(type)).at(-1)
  expect(await last('proposal.dropped')).toMatchObject({
    actor: { kind: 'gateway' },
    proposal: dropped?.id,
    reason: 'certificate_not_allowed',
  })
  expect(await last('certificate.rejected')).toMatchObject({
    recipient: recipient.id,
    certificate: fingerprint,
    reasons: ['format_not_allowed'],
  })
  const { rows } = await house.owner.raw<{ rows: { to: string }[] }>(
    `SELECT coalesce(recipient_id, operator_id) AS "to" FROM notices
      WHERE fields -> 'values' ->> 'fingerprint' = ?
        AND 'proposal_not_allowed' IN (kind, fields -> 'values' ->> 'report')`,
    [fingerprint],
  )
  // The recipient, and every admin, the one who asked among them.
  const { admin, second } = house
  expect(rows.map(({ to }) => to).toSorted()).toEqual([admin.id, second.id, recipient.id].toSorted())
  // Both links lead on: the page that was open, and the one in the mail.
  expect((await enrolment.recipientOf(session)).recipient.id).toBe(recipient.id)
  const token = await house.tokenIn(recipient.id, 'proposal_not_allowed', 'enrolToken')
  expect(await outcomeOf(enrolment.openLink(token, peer))).toBe('ok')
}

describe('an approval', () => {
  test('of what a policy refuses that took effect meanwhile is refused; proposal and request end, people are told', async () => {
    const { who, key, change } = await waiting()
    await adopt('strict')
    expect(await approve(change)).toBe('certificate_refused')
    await expectDropped(who, key)
    expect(await findChangeRequest(house.gateway, change)).toMatchObject({ state: 'void', decidedBy: null })
    expect((await house.events('change.voided')).at(-1)).toMatchObject({
      change,
      reason: 'certificate_not_allowed',
    })
    expect((await house.events('change.refused')).at(-1)).toMatchObject({
      change,
      code: 'certificate_refused',
    })
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ recipient: 'invited', active: null })
    expect(await approve(change)).toBe('state_conflict')
  })

  test('of what the policy allows that took effect meanwhile is one', async () => {
    const { who, change } = await waiting()
    await adopt('standard')
    expect(await approve(change)).toBe('ok')
    expect(await usable(who)).toBe(true)
  })

  test('while no policy is in force is refused, and the request still waits', async () => {
    const { change } = await waiting()
    await house.owner.raw('TRUNCATE policy_records CASCADE')
    expect(await approve(change)).toBe('sending_not_approved')
    expect(await findChangeRequest(house.gateway, change)).toMatchObject({ state: 'pending' })
  })

  test('during which another policy takes effect, after the certificate was judged: nothing happens, and then it is refused', async () => {
    const { who, key, change } = await waiting()
    // It has judged, and waits for the lock of the recipient.
    const holder = await house.owner.transaction()
    await holder('recipients').where({ id: who.recipient.id }).forUpdate()
    const approving = approve(change)
    await house.blocked(1)
    await adopt('strict')
    await holder.rollback()
    expect(await approving).toBe('state_conflict')
    expect(await findChangeRequest(house.gateway, change)).toMatchObject({ state: 'pending' })
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'verified', active: null })
    expect(await approve(change)).toBe('certificate_refused')
    await expectDropped(who, key)
  })

  test('during which another policy is scheduled is judged again under that one, too', async () => {
    const { who, change } = await waiting()
    const holder = await house.owner.transaction()
    await holder('recipients').where({ id: who.recipient.id }).forUpdate()
    const approving = approve(change)
    await house.blocked(1)
    await adopt('strict', 60)
    await holder.rollback()
    expect(await approving).toBe('state_conflict')
    expect(await approve(change)).toBe('ok')
    expect(await usable(who)).toBe(true)
    house.clock.pass(61)
    expect(await usable(who)).toBe(false)
  })

  test('that has looked at the policy commits before another one is adopted', async () => {
    const { change } = await waiting()
    const gate = await closeGate(house.owner, house.database.owner, 'certificates')
    const approving = approve(change)
    await gate.reached()
    let adopted = false
    const adopting = adopt('strict').then(() => (adopted = true))
    // One waits at the gate, and one for it. Whatever comes of that, the gate does not stay shut.
    await house.blocked(2).finally(() => {
      expect(adopted).toBe(false)
      return gate.open()
    })
    expect(await approving).toBe('ok')
    await adopting
  })

  test('that comes while a policy is being adopted waits, and sees it', async () => {
    const { who, change } = await waiting()
    const gate = await closeGate(house.owner, house.database.owner, 'policy_records', 'commit')
    const adopting = adopt('strict')
    await gate.reached()
    const approving = approve(change)
    await house.blocked(2)
    await gate.open()
    await adopting
    expect(await approving).toBe('state_conflict')
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'verified', active: null })
  })

  test('in whose commit a scheduled policy takes effect: from that moment on nothing is sent to the certificate', async () => {
    const { who, change } = await waiting()
    await adopt('strict', 60)
    const gate = await closeGate(house.owner, house.database.owner, 'certificates')
    const approving = approve(change)
    await gate.reached()
    house.clock.pass(61)
    await gate.open()
    expect(await approving).toBe('ok')
    // No upkeep ran.
    expect(await usable(who)).toBe(false)
  })

  test('that somebody presses who may not approve, or whose own request it is, judges nothing and drops nothing', async () => {
    const { who, change } = await waiting()
    await adopt('strict')
    expect(await outcomeOf(approvals.approve(house.admin, change))).toBe('own_request')
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'verified' })
  })
})

describe('the end of the cooling-off', () => {
  beforeEach(() => {
    lifecycle = { coolingOffHours: { first: 1, replacement: 1 } }
  })

  async function cooling(): Promise<{ who: Invited; key: TestRecipient }> {
    const { who, key, change } = await waiting()
    expect(await approve(change)).toBe('ok')
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'approved', active: null })
    return { who, key }
  }
  const activateDue = () => enrolment.activateDue(house.clock.now())

  test('drops what a policy refuses that took effect meanwhile', async () => {
    const { who, key } = await cooling()
    await adopt('strict', 30)
    house.clock.pass(61)
    expect(await activateDue()).toBe(0)
    await expectDropped(who, key)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ recipient: 'invited', active: null })
  })

  test('while another policy takes effect: it stays due, and is dropped the next time', async () => {
    const { who, key } = await cooling()
    house.clock.pass(61)
    const holder = await house.owner.transaction()
    await holder('recipients').where({ id: who.recipient.id }).forUpdate()
    const activating = activateDue()
    await house.blocked(1)
    await adopt('strict')
    await holder.rollback()
    expect(await activating).toBe(0)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'approved', active: null })
    expect(await activateDue()).toBe(0)
    await expectDropped(who, key)
  })

  test('activates what is still allowed', async () => {
    const { who, key } = await cooling()
    house.clock.pass(61)
    expect(await activateDue()).toBe(1)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ active: fingerprintOf(key) })
  })
})

describe('a replacement that the active certificate certified', () => {
  beforeEach(() => {
    lifecycle = { certifiedReplacementSkipsApproval: true, coolingOffHours: { first: 0, replacement: 0 } }
  })

  async function proposed(): Promise<{ who: Invited; key: TestRecipient; code: string; former: string }> {
    const who = await house.walked()
    const made = await makeRecipient(who.recipient.address)
    const certified = await made.privateKey.toPublic().signAllUsers([who.key.privateKey])
    const key = { ...made, target: { ...made.target, certificate: certified.write() } }
    await house.proposed(who, key)
    return { who, key, code: await house.codeFor(key), former: who.fingerprint }
  }

  test('takes effect when it is proved and the policy in force allows it', async () => {
    const { who, key, code } = await proposed()
    await enrolment.prove(code, { peer })
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ active: fingerprintOf(key) })
  })

  test('is dropped when it is proved and the policy in force refuses it; the one before stays', async () => {
    const { who, key, code, former } = await proposed()
    await adopt('strict')
    await enrolment.prove(code, { peer })
    await expectDropped(who, key)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'dropped', active: former })
  })

  test('goes the way of two people when another policy takes effect after it was judged', async () => {
    const { who, code, former } = await proposed()
    const holder = await house.owner.transaction()
    await holder('recipients').where({ id: who.recipient.id }).forUpdate()
    const proving = outcomeOf(enrolment.prove(code, { peer }))
    await house.blocked(1)
    await adopt('strict')
    await holder.rollback()
    expect(await proving).toBe('ok')
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'proved', active: former })
  })

  test('waits for the end of its cooling-off, and is judged again then', async () => {
    lifecycle = { certifiedReplacementSkipsApproval: true, coolingOffHours: { first: 1, replacement: 1 } }
    const { who, key, code, former } = await proposed()
    await enrolment.prove(code, { peer })
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'approved', active: former })
    await adopt('strict', 30)
    house.clock.pass(61)
    expect(await enrolment.activateDue(house.clock.now())).toBe(0)
    await expectDropped(who, key)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ active: former })
  })
})
