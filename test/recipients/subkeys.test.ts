import type { PrivateKey } from 'openpgp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ProposeOutcome } from '../../src/recipients/index.ts'
import { resolveRecipients } from '../../src/recipients/index.ts'
import { makeRecipient, type TestRecipient } from '../sealer/support.ts'
import { fingerprintOf, openTestEnrolment, outcomeOf, type TestEnrolment, type Walked } from './support.ts'

// A new encryption subkey under a key in use goes the way of every replacement.

let house: TestEnrolment
beforeAll(async () => {
  house = await openTestEnrolment()
})
afterEach(() => house.lifecycle({}))
afterAll(() => house.close())

const upload = ({ session }: Walked, key: TestRecipient): Promise<ProposeOutcome> =>
  house.enrolment.propose({ session }, key.target.certificate, 'upload')
const shown = ({ recipient }: Walked, key: TestRecipient): Promise<ProposeOutcome> =>
  house.enrolment.propose({ recipient: recipient.id }, key.target.certificate, 'refresh')

/** Enrolled, with a key that was made an hour ago. */
async function walked(): Promise<Walked> {
  const who = await house.invited()
  const key = await makeRecipient(who.recipient.address, 'seipdv1', new Date(Date.now() - 3_600_000))
  await house.approved(who, key)
  return { ...who, key, fingerprint: fingerprintOf(key) }
}

/** The same key with one more subkey, made a minute later. */
async function withNewSubkey(key: TestRecipient): Promise<TestRecipient> {
  const privateKey: PrivateKey = await key.privateKey.addSubkey({
    type: 'ecc',
    curve: 'curve25519Legacy',
    date: new Date(
      Math.max(...key.privateKey.subkeys.map(subkey => subkey.getCreationTime().getTime())) + 60_000,
    ),
  })
  const subkey = privateKey.subkeys.at(-1)!
  const encryptionSubkey = subkey.getFingerprint().toUpperCase()
  const certificate = privateKey.toPublic().write()
  return { ...key, privateKey, target: { ...key.target, certificate, encryptionSubkey } }
}

async function pinned({ recipient }: Walked): Promise<string | undefined> {
  const { usable } = await resolveRecipients(house.gateway, [recipient.address], house.clock.now())
  return usable[0]?.certificate.encryptionSubkey
}

describe('uploaded', () => {
  test('it is proposed, proved by the new subkey, verified, approved; then it is the one', async () => {
    const who = await walked()
    const key = await withNewSubkey(who.key)
    expect(await upload(who, key)).toMatchObject({
      outcome: 'proposed',
      proposal: {
        fingerprint: who.fingerprint,
        encryptionSubkey: key.target.encryptionSubkey,
        certifiedBy: null,
      },
    })
    expect(await pinned(who)).toBe(who.key.target.encryptionSubkey)
    // The old subkey does not open the code.
    await expect(house.codeFor(who.key)).rejects.toThrow()
    await house.enrolment.prove(await house.codeFor(key), { peer: '192.0.2.1' })
    expect(await pinned(who)).toBe(who.key.target.encryptionSubkey)
    const { proposal } = await house.enrolment.recipientOf(who.session)
    const { id } = await house.enrolment.verifyFingerprint(house.admin, proposal!.id, 'phone')
    await house.approvals.approve(house.second, id)
    expect(await pinned(who)).toBe(key.target.encryptionSubkey)
    const { certificates } = await house.enrolment.show(who.recipient.id)
    expect(certificates).toMatchObject([
      { fingerprint: who.fingerprint, state: 'active', encryptionSubkey: key.target.encryptionSubkey },
      { fingerprint: who.fingerprint, state: 'retired', encryptionSubkey: who.key.target.encryptionSubkey },
    ])
    const events = await house.events('certificate.activated')
    expect(events.at(-1)).toMatchObject({ encryptionSubkey: key.target.encryptionSubkey })
  })

  test('it is not approved by its own key, even where a certified replacement needs no second person', async () => {
    house.lifecycle({
      certifiedReplacementSkipsApproval: true,
      coolingOffHours: { first: 0, replacement: 0 },
    })
    const who = await walked()
    const key = await withNewSubkey(who.key)
    await house.proved(who, key)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'proved' })
    expect(await pinned(who)).toBe(who.key.target.encryptionSubkey)
  })

  test('once in use, the copy of before changes nothing, and its subkey does not come back', async () => {
    const who = await walked()
    const key = await withNewSubkey(who.key)
    await house.approved(who, key)
    // The copy of before, merged with ours, is ours.
    expect(await upload(who, who.key)).toMatchObject({ outcome: 'unchanged' })
    expect(await pinned(who)).toBe(key.target.encryptionSubkey)
  })

  test('after another key, the former one comes back only with a new subkey', async () => {
    const who = await walked()
    const other = await makeRecipient(who.recipient.address)
    await house.approved(who, other)
    expect(await outcomeOf(upload(who, who.key))).toBe('certificate_in_use')
    const key = await withNewSubkey(who.key)
    await house.approved(who, key)
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ active: who.fingerprint })
    expect(await pinned(who)).toBe(key.target.encryptionSubkey)
    expect(await outcomeOf(upload(who, other))).toBe('certificate_in_use')
  })

  test('under a key that was revoked it is refused, whatever the subkey', async () => {
    const who = await walked()
    const key = await withNewSubkey(who.key)
    await house.approved(who, key)
    const token = await house.tokenIn(who.recipient.id, 'certificate_changed', 'stopToken')
    expect(await house.enrolment.revokeByLink(token, 'compromised', '192.0.2.1')).toEqual({
      revoked: [who.fingerprint],
    })
    const { certificates } = await house.enrolment.show(who.recipient.id)
    expect(certificates.map(({ state }) => state)).toEqual(['revoked', 'revoked'])
    const token2 = await house.enrolment
      .renewLink(house.admin, who.recipient.id)
      .then(() => house.tokenIn(who.recipient.id, 'invitation', 'enrolToken'))
    const { session } = await house.enrolment.openLink(token2, '192.0.2.1')
    const third = await withNewSubkey(key)
    expect(await outcomeOf(upload({ ...who, session }, third))).toBe('certificate_in_use')
  })

  test('under the key of somebody else it is refused', async () => {
    const who = await walked()
    await house.enrolment.unenrol(house.admin, who.recipient.id)
    const again = await house.invited({ address: who.recipient.address })
    const key = await withNewSubkey(who.key)
    const refused = house.enrolment.propose({ session: again.session }, key.target.certificate, 'upload')
    expect(await outcomeOf(refused)).toBe('certificate_in_use')
  })

  test('a revocation of the subkey before it ends what waits for that one, and nothing else', async () => {
    const who = await walked()
    const key = await withNewSubkey(who.key)
    await house.approved(who, key)
    const old = key.privateKey.subkeys[0]!
    const revoked = await old.revoke(key.privateKey.keyPacket as Parameters<typeof old.revoke>[0])
    key.privateKey.subkeys[0] = revoked
    house.clock.pass(1)
    const certificate = key.privateKey.toPublic().write()
    await upload(who, { ...key, target: { ...key.target, certificate } })
    expect(await pinned(who)).toBe(key.target.encryptionSubkey)
    const { certificates } = await house.enrolment.show(who.recipient.id)
    expect(certificates.map(({ state }) => state)).toEqual(['active', 'retired'])
    expect(certificates[1]!.finishUntil!.getTime()).toBeLessThanOrEqual(house.clock.now().getTime())
  })
})

describe('shown by a directory', () => {
  test('it becomes a proposal once, and is never switched to', async () => {
    const who = await walked()
    const key = await withNewSubkey(who.key)
    expect(await shown(who, key)).toMatchObject({ outcome: 'proposed' })
    expect(await shown(who, key)).toMatchObject({ outcome: 'unchanged' })
    await house.enrolment.reject(house.admin, await openProposal(who))
    expect(await shown(who, key)).toMatchObject({ outcome: 'unchanged' })
    expect(await pinned(who)).toBe(who.key.target.encryptionSubkey)
    // One newer still is news.
    expect(await shown(who, await withNewSubkey(key))).toMatchObject({ outcome: 'proposed' })
    expect((await house.events('certificate.proposed')).at(-1)).toMatchObject({ actor: { kind: 'gateway' } })
  })
})

async function openProposal({ session }: Walked) {
  const { proposal } = await house.enrolment.recipientOf(session)
  return proposal!.id
}
