import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkStillUsable, resolveRecipients } from '../../src/recipients/index.ts'
import { makeRecipient } from '../sealer/support.ts'
import { closeGate } from '../support/locks.ts'
import { fingerprintOf, invitation, openTestEnrolment, outcomeOf, type TestEnrolment } from './support.ts'

let house: TestEnrolment
beforeAll(async () => {
  house = await openTestEnrolment()
})
afterAll(() => house.close())

const peer = '192.0.2.1'
const sorted = async (...outcomes: readonly Promise<string>[]) => (await Promise.all(outcomes)).sort()

test('a link that is opened twice at once opens one page; the other is refused, and audited', async () => {
  const { enrolment } = house
  const recipient = await enrolment.invite(house.admin, invitation())
  const token = await house.tokenIn(recipient.id, 'invitation', 'enrolToken')
  const refused = (await house.events('request.refused')).length
  const open = () => outcomeOf(enrolment.openLink(token, peer))
  expect(await sorted(open(), open(), open())).toEqual(['link_invalid', 'link_invalid', 'ok'])
  expect(await house.events('request.refused')).toHaveLength(refused + 2)
})

test('a link that is opened while a new one is mailed gives no page that outlives it', async () => {
  const { enrolment, admin } = house
  const recipient = await enrolment.invite(admin, invitation())
  const token = await house.tokenIn(recipient.id, 'invitation', 'enrolToken')
  const [opened] = await Promise.all([
    enrolment.openLink(token, peer).catch(() => undefined),
    enrolment.renewLink(admin, recipient.id),
  ])
  expect(await outcomeOf(enrolment.recipientOf(opened?.session))).toBe('link_invalid')
  expect(await outcomeOf(enrolment.openLink(token, peer))).toBe('link_invalid')
})

test('of two certificates proposed at once one stays open, and only its code proves', async () => {
  const { enrolment } = house
  const who = await house.invited()
  const [a, b] = await Promise.all([
    makeRecipient(who.recipient.address),
    makeRecipient(who.recipient.address),
  ])
  await Promise.all([house.proposed(who, a), house.proposed(who, b)])
  const { proposals } = await enrolment.show(who.recipient.id)
  expect(proposals.map(({ state }) => state).sort()).toEqual(['dropped', 'proposed'])
  const open = proposals.find(({ state }) => state === 'proposed')
  const rows = await house
    .owner('proposals')
    .whereNotNull('nonce_sha256')
    .where({ recipient_id: who.recipient.id })
  expect(rows.map((row: { fingerprint: string }) => row.fingerprint)).toEqual([open?.fingerprint])
})

test('a code that is returned twice at once proves once', async () => {
  const { enrolment } = house
  const who = await house.invited()
  const key = await makeRecipient(who.recipient.address)
  const id = await house.proposed(who, key)
  const code = await house.codeFor(key)
  const prove = () => outcomeOf(enrolment.prove(code, { peer, session: who.session }))
  expect(await sorted(prove(), prove(), prove())).toEqual(['ok', 'ok', 'ok'])
  const events = (await house.events('possession.proved')).filter(({ proposal }) => proposal === id)
  expect(events).toHaveLength(1)
})

test('a code that is returned while another certificate is proposed proves nothing for the other one', async () => {
  const { enrolment } = house
  const who = await house.invited()
  const [a, b] = [await makeRecipient(who.recipient.address), await makeRecipient(who.recipient.address)]
  await house.proposed(who, a)
  const code = await house.codeFor(a)
  await Promise.all([outcomeOf(enrolment.prove(code, { peer })), house.proposed(who, b)])
  const { proposal } = await enrolment.recipientOf(who.session)
  expect(proposal).toMatchObject({ fingerprint: fingerprintOf(b), state: 'proposed', provedAt: null })
})

test('two approvals at once are one', async () => {
  const { approvals, second } = house
  const who = await house.invited()
  const key = await makeRecipient(who.recipient.address)
  const { id } = await house.verified(who, key)
  const approve = () => outcomeOf(approvals.approve(second, id))
  expect(await sorted(approve(), approve())).toEqual(['ok', 'state_conflict'])
  expect(await house.stateOf(who.recipient.id)).toEqual({
    recipient: 'active',
    proposal: 'activated',
    active: fingerprintOf(key),
  })
})

test('an approval is for the certificate that was seen, never for one that took its place', async () => {
  const { approvals, second } = house
  for (let round = 0; round < 5; round++) {
    const who = await house.invited()
    const [seen, other] = [
      await makeRecipient(who.recipient.address),
      await makeRecipient(who.recipient.address),
    ]
    const { id } = await house.verified(who, seen)
    const [approved, proposed] = await Promise.all([
      outcomeOf(approvals.approve(second, id)),
      outcomeOf(house.proposed(who, other)),
    ])
    expect(proposed).toBe('ok')
    const { active, proposal } = await house.stateOf(who.recipient.id)
    // Whichever came first: what was seen is active, or nothing is. The other one stands at its first step.
    expect(active).toBe(approved === 'ok' ? fingerprintOf(seen) : null)
    expect(['ok', 'state_conflict']).toContain(approved)
    expect(proposal).toBe('proposed')
  }
})

test('an approval after another certificate was proposed is refused, and nothing happened', async () => {
  const { approvals, second } = house
  const who = await house.invited()
  const { id } = await house.verified(who, await makeRecipient(who.recipient.address))
  await house.verified(who, await makeRecipient(who.recipient.address))
  expect(await outcomeOf(approvals.approve(second, id))).toBe('state_conflict')
  expect(await house.stateOf(who.recipient.id)).toEqual({
    recipient: 'invited',
    proposal: 'verified',
    active: null,
  })
})

test('an approval while the recipient is unenrolled ends in unenrolment, without a certificate in use', async () => {
  const { approvals, second, admin, enrolment } = house
  for (let round = 0; round < 5; round++) {
    const who = await house.invited()
    const key = await makeRecipient(who.recipient.address)
    const { id } = await house.verified(who, key)
    const [approved] = await Promise.all([
      outcomeOf(approvals.approve(second, id)),
      enrolment.unenrol(admin, who.recipient.id),
    ])
    expect(['ok', 'state_conflict']).toContain(approved)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ recipient: 'unenrolled', active: null })
    expect((await resolveRecipients(house.gateway, [who.recipient.address], new Date())).usable).toEqual([])
  }
})

test('two that verify the same fingerprint at once make one request', async () => {
  const { enrolment, admin, second } = house
  const who = await house.invited()
  const key = await makeRecipient(who.recipient.address)
  await house.proved(who, key)
  const id = (await enrolment.recipientOf(who.session)).proposal!.id
  const verify = (operator: typeof admin) => outcomeOf(enrolment.verifyFingerprint(operator, id, 'phone'))
  expect(await sorted(verify(admin), verify(second))).toEqual(['ok', 'state_conflict'])
})

test('a revocation that comes while a replacement is activated: the old certificate is revoked, whichever is first', async () => {
  const { enrolment, approvals, second } = house
  const who = await house.walked()
  const key = await makeRecipient(who.recipient.address)
  const { id } = await house.verified(who, key)
  const token = await house.tokenIn(who.recipient.id, 'activated', 'stopToken')
  const gate = await closeGate(house.owner, house.database.owner, 'certificates')
  const approving = outcomeOf(approvals.approve(second, id))
  await gate.reached()
  const stopping = enrolment.revokeByLink(token, 'compromised', peer)
  await house.blocked(1)
  await gate.open()
  expect(await approving).toBe('ok')
  const { revoked } = await stopping
  // The link stops all that is in use when its turn comes, the new one, too.
  expect(revoked).toEqual(expect.arrayContaining([who.fingerprint, fingerprintOf(key)]))
  expect(await house.stateOf(who.recipient.id)).toMatchObject({ active: null })
})

test('a revocation that comes while a message is accepted stops it before it is sent', async () => {
  const { enrolment, gateway } = house
  const who = await house.walked()
  const { usable } = await resolveRecipients(gateway, [who.recipient.address], new Date())
  const token = await house.tokenIn(who.recipient.id, 'activated', 'stopToken')
  await enrolment.revokeByLink(token, 'compromised', peer)
  // Resolved before, committed after: the courier asks again.
  const pins = usable.map(({ recipient, address, certificate }) => ({
    recipient,
    address,
    certificate: certificate.fingerprint,
    encryptionSubkey: certificate.encryptionSubkey,
  }))
  expect(pins).toHaveLength(1)
  expect(await checkStillUsable(gateway, pins, new Date())).toEqual(['certificate_revoked'])
})

test('a stop link that is used twice at once stops once', async () => {
  const { enrolment } = house
  const who = await house.walked()
  const token = await house.tokenIn(who.recipient.id, 'activated', 'stopToken')
  const stop = () => outcomeOf(enrolment.revokeByLink(token, 'unknown', peer))
  const outcomes = await sorted(stop(), stop())
  expect(outcomes.includes('ok') && outcomes.every(one => ['ok', 'link_invalid'].includes(one))).toBe(true)
  const events = await house.events('certificate.revoked')
  expect(events.filter(({ certificate }) => certificate === who.fingerprint)).toHaveLength(1)
})

test('an address that is invited twice at once is invited once', async () => {
  const { enrolment, admin } = house
  const wanted = invitation()
  const invite = () => outcomeOf(enrolment.invite(admin, wanted))
  expect(await sorted(invite(), invite(), invite())).toEqual(['name_taken', 'name_taken', 'ok'])
})
