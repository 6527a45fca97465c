import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Invitation, type NewAttestation, resolveRecipients } from '../../src/recipients/index.ts'
import { attestedUntil, missingAttestations } from '../../src/recipients/standing/attestations.ts'
import { makeRecipient } from '../sealer/support.ts'
import { signedInOperator } from '../support/operators.ts'
import { insertCertificate, insertRecipient } from '../support/recipients.ts'
import { invitation, newAddress, openTestEnrolment, outcomeOf, type TestEnrolment } from './support.ts'

let house: TestEnrolment
beforeAll(async () => {
  house = await openTestEnrolment()
})
afterAll(() => house.close())

const year = 365 * 86_400_000
const inDays = (days: number) => new Date(house.clock.now().getTime() + days * 86_400_000)
const codeOf = async (address: Invitation['address']) =>
  (await resolveRecipients(house.gateway, [address], house.clock.now())).refused[0]?.code ?? 'usable'

describe('required attestations', () => {
  const at = new Date('2026-06-01T00:00:00Z')
  const give = (...kinds: readonly NewAttestation['kind'][]) =>
    kinds.map((kind, i) => ({ kind, validUntil: new Date(at.getTime() + (i + 1) * year) }))

  test.each([
    ['employee', ['scope', 'training', 'retention'], true],
    ['employee', ['scope', 'training'], false],
    ['employee', ['training', 'retention', 'aoc'], false],
    ['supplier', ['contract', 'aoc', 'retention'], true],
    ['supplier', ['contract', 'saq', 'retention'], false],
    ['supplier', ['aoc', 'retention'], false],
    ['customer', ['saq', 'retention'], true],
    ['customer', ['aoc', 'retention'], true],
    ['customer', ['contract', 'retention'], false],
  ] as const)('%s with %j: %s', (kind, kinds, enough) => {
    const given = give(...kinds)
    // The first of them ends first.
    expect(attestedUntil(kind, given)).toEqual(enough ? given[0]?.validUntil : null)
    expect(missingAttestations(kind, given, at).length === 0).toBe(enough)
  })

  test('a renewed one counts from the old one on; one that ended is missing', () => {
    const given = [...give('retention', 'aoc'), { kind: 'aoc', validUntil: at } as const]
    expect(attestedUntil('customer', given)).toEqual(new Date(at.getTime() + year))
    expect(
      missingAttestations('customer', [{ kind: 'aoc', validUntil: at }, ...give('retention')], at),
    ).toEqual(['aoc'])
  })
})

test('attestations count once the recipient was approved, and more are added by two people', async () => {
  const { enrolment, admin, second, approvals } = house
  const retention = { kind: 'retention', reference: 'annex', validUntil: inDays(300) } as const
  const who = await house.invited({ kind: 'customer', attestations: [retention] })
  const { recipient } = who
  await house.approved(who, await makeRecipient(recipient.address))
  expect(await codeOf(recipient.address)).toBe('attestation_missing')
  expect((await enrolment.show(recipient.id)).missing).toEqual(['aoc'])

  const saq = { kind: 'saq', reference: 'SAQ A', validUntil: inDays(100) } as const
  const change = await enrolment.askAttest(admin, recipient.id, [saq])
  expect(await codeOf(recipient.address)).toBe('attestation_missing')
  expect(await outcomeOf(approvals.approve(admin, change.id))).toBe('own_request')
  await approvals.approve(second, change.id)
  expect(await codeOf(recipient.address)).toBe('usable')
  expect((await enrolment.show(recipient.id)).attestedUntil).toEqual(saq.validUntil)
  const { usable } = await resolveRecipients(house.gateway, [recipient.address], saq.validUntil)
  expect(usable).toEqual([])
})

test('suspended at once, by one; back only by two, and not while an attestation is missing', async () => {
  const { enrolment, admin, second, approvals } = house
  const { recipient } = await house.walked()
  await enrolment.suspend('host', recipient.id, 'operator')
  expect(await codeOf(recipient.address)).toBe('recipient_not_active')
  expect(await outcomeOf(enrolment.suspend(admin, recipient.id, 'operator'))).toBe('state_conflict')
  const change = await enrolment.askReinstate(admin, recipient.id)
  await house
    .owner('recipients')
    .where({ id: recipient.id })
    .update({ attested_until: inDays(-1) })
  expect(await outcomeOf(approvals.approve(second, change.id))).toBe('state_conflict')
  await house
    .owner('recipients')
    .where({ id: recipient.id })
    .update({ attested_until: inDays(9) })
  await approvals.approve(second, change.id)
  expect(await codeOf(recipient.address)).toBe('usable')
  expect((await house.events('recipient.reinstated')).at(-1)).toMatchObject({ change: change.id })
})

test('who is suspended can replace their certificate, and stays suspended', async () => {
  const who = await house.walked()
  await house.enrolment.suspend(house.admin, who.recipient.id, 'attestation_lapsed')
  await house.approved(who, await makeRecipient(who.recipient.address))
  expect(await house.stateOf(who.recipient.id)).toMatchObject({
    recipient: 'suspended',
    proposal: 'activated',
  })
  expect(await codeOf(who.recipient.address)).toBe('recipient_not_active')
})

test('unenrolled at once and for good: certificates retired, links and pages dead, the open proposal dropped', async () => {
  const { enrolment, admin } = house
  const who = await house.walked()
  const { id, address } = who.recipient
  await enrolment.renewLink(admin, id)
  const token = await house.tokenIn(id, 'invitation', 'enrolToken')
  const { session } = await enrolment.openLink(token, '192.0.2.1')
  await house.proposed({ ...who, session }, await makeRecipient(address))
  await enrolment.unenrol(admin, id)
  expect(await house.stateOf(id)).toEqual({ recipient: 'unenrolled', proposal: 'dropped', active: null })
  expect(await outcomeOf(enrolment.recipientOf(session))).toBe('link_invalid')
  expect(await codeOf(address)).toBe('recipient_unknown')
  for (const step of [
    () => enrolment.unenrol(admin, id),
    () => enrolment.renewLink(admin, id),
    () => enrolment.suspend(admin, id, 'operator'),
    () => enrolment.askReinstate(admin, id),
    () => enrolment.askAttest(admin, id, [{ kind: 'aoc', reference: 'x', validUntil: inDays(9) }]),
  ])
    expect(await outcomeOf(step())).toBe('state_conflict')
  // No mail that still waits opens a page.
  const waiting = await house
    .owner('notices')
    .where({ recipient_id: id, state: 'queued' })
    .pluck<string[]>('kind')
  expect(waiting.sort()).toEqual(['activated', 'replacement_proposed', 'unenrolled'])
  // The address can be enrolled anew, by somebody who walks the whole way.
  expect((await house.invited({ address })).recipient.id).not.toBe(id)
})

test('a recipient whose certificates were all revoked does not become active by a link or a step', async () => {
  const { enrolment } = house
  const who = await house.walked()
  await enrolment.revokeByLink(
    await house.tokenIn(who.recipient.id, 'activated', 'stopToken'),
    'compromised',
    '::1',
  )
  expect(await codeOf(who.recipient.address)).toBe('certificate_revoked')
  expect(await outcomeOf(enrolment.recipientOf(who.session))).toBe('link_invalid')
  expect((await enrolment.show(who.recipient.id)).step).toBe('propose')
})

test.each(['approver', 'auditor', 'custodian'] as const)(
  'an operator who is only %s can do nothing of this',
  async role => {
    const { enrolment } = house
    const { operator } = await signedInOperator(house.owner, [role])
    const who = await house.walked()
    const { id } = who.recipient
    const proposal = await house.proposed(who, await makeRecipient(who.recipient.address))
    const steps = [
      () => enrolment.invite(operator, invitation()),
      () => enrolment.importCsv(operator, 'address,organisation,kind,phone,retentionDays'),
      () => enrolment.renewLink(operator, id),
      () => enrolment.suspend(operator, id, 'operator'),
      () => enrolment.unenrol(operator, id),
      () => enrolment.askReinstate(operator, id),
      () => enrolment.askAttest(operator, id, [{ kind: 'aoc', reference: 'x', validUntil: inDays(9) }]),
      () => enrolment.verifyFingerprint(operator, proposal as never, 'phone'),
    ]
    for (const step of steps) expect(await outcomeOf(step())).toBe('role_missing')
    if (role !== 'approver')
      expect(await outcomeOf(enrolment.reject(operator, proposal as never))).toBe('role_missing')
  },
)

test.each<[string, Partial<Invitation>, string]>([
  ['no address', { address: 'a@b@c' as never }, '/address'],
  ['an address that is a card number', { address: '4111_1111_1111_1111@bank.test' as never }, '/address'],
  ['an organisation with a line break', { organisation: 'Bank\r\nBcc: x@y.test' }, '/organisation'],
  ['an organisation that reverses the line', { organisation: 'Bank \u202e' }, '/organisation'],
  ['an organisation that is a card number', { organisation: '4111 1111 1111 1111' }, '/organisation'],
  ['an empty organisation', { organisation: '  ' }, '/organisation'],
  ['a long organisation', { organisation: 'x'.repeat(201) }, '/organisation'],
  ['a kind that is none', { kind: '__proto__' as never }, '/kind'],
  ['a phone without a country', { phone: '020 123 4567' }, '/phone'],
  ['a card number for a phone', { phone: '+4111 1111 1111 1111' }, '/phone'],
  ['no retention', { retentionDays: 0 }, '/retentionDays'],
  ['half a day of retention', { retentionDays: 0.5 }, '/retentionDays'],
  [
    'an attestation of the past',
    { attestations: [{ kind: 'aoc', reference: 'x', validUntil: new Date(0) }] },
    '/attestations/0/validUntil',
  ],
  [
    'an attestation without an end',
    { attestations: [{ kind: 'aoc', reference: 'x', validUntil: new Date(Number.NaN) }] },
    '/attestations/0/validUntil',
  ],
])('an invitation with %s is refused by its place, and nothing is kept', async (_, wrong, pointer) => {
  const before = await house.owner('recipients').count()
  const error: unknown = await house.enrolment
    .invite(house.admin, invitation({ address: newAddress(), ...wrong }))
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'invalid_request', details: { errors: [{ pointer }] } })
  expect(await house.owner('recipients').count()).toEqual(before)
})

test.each(['', 'x', 'A'.repeat(43), '../../etc/passwd', 'é'.repeat(43)])(
  'a token such as %j opens nothing',
  async token => {
    const { enrolment } = house
    expect(await outcomeOf(enrolment.openLink(token, '192.0.2.9'))).toBe('link_invalid')
    expect(await outcomeOf(enrolment.revokeByLink(token, 'unknown', '192.0.2.9'))).toBe('link_invalid')
    expect(await outcomeOf(enrolment.recipientOf(token))).toBe('link_invalid')
    expect((await house.events('request.refused')).at(-1)).toMatchObject({ actor: { address: '192.0.2.9' } })
  },
)

test('a token is good for its own purpose alone, and for its time', async () => {
  const { enrolment, clock } = house
  const recipient = await enrolment.invite('host', invitation())
  const [enrol, stop] = [
    await house.tokenIn(recipient.id, 'invitation', 'enrolToken'),
    await house.tokenIn(recipient.id, 'invitation', 'stopToken'),
  ]
  expect(await outcomeOf(enrolment.openLink(stop, '::1'))).toBe('link_invalid')
  expect(await outcomeOf(enrolment.revokeByLink(enrol, 'unknown', '::1'))).toBe('link_invalid')
  expect(await outcomeOf(enrolment.recipientOf(enrol))).toBe('link_invalid')
  const { rows } = await house.owner.raw<{ rows: unknown[] }>('SELECT * FROM recipient_links')
  expect(JSON.stringify(rows)).not.toContain(enrol)
  const { session } = await enrolment.openLink(enrol, '::1')
  clock.pass(24 * 60 + 1)
  expect(await outcomeOf(enrolment.recipientOf(session))).toBe('link_invalid')
})

test('lists by filter and page, and foreign patterns are text', async () => {
  const { enrolment, owner } = house
  const organisation = 'Zürich 100% _Bank\\'
  const mine = await Promise.all(
    Array.from({ length: 5 }, () => enrolment.invite('host', invitation({ organisation, kind: 'employee' }))),
  )
  const ids = mine
    .map(({ id }) => id)
    .sort()
    .reverse()
  const all = await enrolment.list({ organisation }, { limit: 200 })
  expect(all.map(({ id }) => id)).toEqual(ids)
  const first = await enrolment.list(
    { q: 'zürich 100% _bank\\', state: 'invited', kind: 'employee' },
    { limit: 2 },
  )
  expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 2))
  const rest = await enrolment.list({ organisation }, { limit: 200, after: ids[1]! })
  expect(rest.map(({ id }) => id)).toEqual(ids.slice(2))
  expect(await enrolment.list({ q: '%' }, { limit: 200 })).toEqual([])
  expect(await enrolment.list({ q: mine[0]!.address.toUpperCase() }, { limit: 200 })).toMatchObject([
    { id: mine[0]!.id },
  ])
  expect(await enrolment.list({}, { limit: 0 })).toHaveLength(1)

  const soon = await insertRecipient(owner)
  await insertCertificate(owner, soon, { expiresAt: inDays(3) })
  const found = await enrolment.list({ expiringBefore: inDays(4) }, { limit: 200 })
  expect(found.map(({ id }) => id)).toContain(soon.recipient)
  expect(found.map(({ id }) => id)).not.toContain(ids[0])
})
