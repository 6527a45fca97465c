import { afterAll, beforeAll, expect, test } from 'vitest'
import { fingerprintWords, grouped } from '../../src/keys/index.ts'
import { resolveRecipients } from '../../src/recipients/index.ts'
import { makeRecipient } from '../sealer/support.ts'
import { fingerprintOf, openTestEnrolment, outcomeOf, type TestEnrolment } from './support.ts'

let house: TestEnrolment
beforeAll(async () => {
  house = await openTestEnrolment()
})
afterAll(() => house.close())

test('the whole way: each step shows the next, and only the last one lets a message through', async () => {
  const { enrolment, admin, second, approvals, gateway, clock } = house
  const { recipient, session } = await house.invited()
  const usable = async () =>
    (await resolveRecipients(gateway, [recipient.address], clock.now())).usable.length
  const step = async () => (await enrolment.recipientOf(session)).step
  expect(await step()).toBe('propose')

  const key = await makeRecipient(recipient.address)
  const result = await enrolment.propose({ session }, key.target.certificate, 'upload')
  if (result.outcome !== 'proposed') throw new Error(result.outcome)
  const { proposal } = result
  const fingerprint = fingerprintOf(key)
  expect(proposal).toMatchObject({ state: 'proposed', fingerprint, groups: grouped(fingerprint) })
  expect(proposal.words).toEqual(fingerprintWords(fingerprint))
  expect(await step()).toBe('prove')

  const code = await house.codeFor(key)
  expect((await enrolment.prove(`  ${code.toUpperCase()} `, { peer: '192.0.2.1', session })).step).toBe(
    'verify',
  )
  // A second press of the button says the same, and does nothing.
  expect((await enrolment.prove(code, { peer: '192.0.2.1' })).step).toBe('verify')
  expect(await house.events('possession.proved')).toHaveLength(1)

  const change = await enrolment.verifyFingerprint(admin, proposal.id, 'video')
  expect(await step()).toBe('approve')
  expect(await outcomeOf(approvals.approve(admin, change.id))).toBe('own_request')
  expect(await usable()).toBe(0)
  expect(await house.stateOf(recipient.id)).toMatchObject({ recipient: 'invited', active: null })

  await approvals.approve(second, change.id)
  expect(await step()).toBe('none')
  expect(await usable()).toBe(1)
  expect(await enrolment.show(recipient.id)).toMatchObject({ state: 'active', step: 'none', missing: [] })
  for (const type of [
    'recipient.invited',
    'enrolment.link.used',
    'certificate.proposed',
    'fingerprint.verified',
  ])
    expect(await house.events(type)).toHaveLength(1)
  expect(await house.events('proposal.approved')).toMatchObject([
    { change: change.id, proposal: proposal.id },
  ])
  expect(await house.events('recipient.activated')).toMatchObject([{ certificate: fingerprint }])
})
