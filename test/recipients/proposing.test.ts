import { generateKey, readPrivateKey, reformatKey, revokeKey } from 'openpgp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { armour } from '../../src/kernel/index.ts'
import { openEnrolment, resolveRecipients } from '../../src/recipients/index.ts'
import { makeRecipient } from '../sealer/support.ts'
import { fingerprintOf, openTestEnrolment, outcomeOf, type TestEnrolment } from './support.ts'

let house: TestEnrolment
beforeAll(async () => {
  house = await openTestEnrolment()
})
afterAll(() => house.close())

const peer = '192.0.2.1'
const upload = (session: string, bytes: Uint8Array) => house.enrolment.propose({ session }, bytes, 'upload')

/** Everything that the database holds, as PostgreSQL writes it. */
async function dump(): Promise<string> {
  const { rows: tables } = await house.owner.raw<{ rows: { name: string }[] }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'pgboss')`,
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await house.owner.raw<{ rows: { row: string }[] }>(
      `SELECT t::text AS row FROM ${name} t`,
    )
    texts.push(...rows.map(({ row }) => row))
  }
  return texts.join('\n')
}

describe('a private key that was uploaded', () => {
  test.each(['binary', 'armored'] as const)(
    '%s: nothing of it is kept, and its owner is told to revoke it',
    async format => {
      const { recipient, session } = await house.invited()
      const { privateKey, publicKey } = await generateKey({
        type: 'ecc',
        curve: 'curve25519Legacy',
        userIDs: { email: recipient.address },
        format: 'object',
      })
      const binary = privateKey.write()
      const file = Buffer.from(format === 'binary' ? binary : privateKey.armor())
      const result = await upload(session, file)
      expect(result).toMatchObject({ outcome: 'rejected', reasons: [{ code: 'private_key' }] })
      const [reason] = result.outcome === 'rejected' ? result.reasons : []
      expect(reason?.remedy).toMatch(/revoke/)
      expect(reason?.sentence).toMatch(/Nothing of it was kept/)
      // Not even the copy in memory.
      expect(file.every(octet => octet === 0)).toBe(true)
      const kept = (await dump()).toLowerCase()
      const secret = Buffer.from(binary).toString('hex')
      for (let at = 0; at + 32 <= secret.length; at += 16)
        expect(kept).not.toContain(secret.slice(at, at + 32))
      for (const key of [publicKey, ...publicKey.subkeys]) expect(kept).not.toContain(key.getFingerprint())
      const refusals = await house.events('certificate.rejected')
      expect(refusals.at(-1)).toMatchObject({ certificate: null, reasons: ['private_key'] })
    },
  )
})

test('a rejected certificate gives every reason with a remedy, keeps codes only, and mails nothing', async () => {
  const { recipient, session } = await house.invited()
  const key = await makeRecipient('somebody.else@bank.test')
  const before = await house.owner('notices').count()
  const result = await upload(session, key.target.certificate)
  expect(result).toMatchObject({ outcome: 'rejected', reasons: [{ code: 'user_id_mismatch' }] })
  for (const { sentence, remedy } of result.outcome === 'rejected' ? result.reasons : [])
    expect([sentence, remedy].every(text => text.length > 10)).toBe(true)
  expect(await house.owner('notices').count()).toEqual(before)
  expect((await house.events('certificate.rejected')).at(-1)).toMatchObject({
    recipient: recipient.id,
    certificate: fingerprintOf(key),
    reasons: ['user_id_mismatch'],
  })
  expect((await house.enrolment.recipientOf(session)).step).toBe('propose')
})

test.each([
  ['nothing', Buffer.alloc(0), 'not_a_certificate'],
  ['text', Buffer.from('hello'), 'not_a_certificate'],
  ['a file over 64 KiB', Buffer.alloc(65_537, 0x99), 'too_large'],
])('%s is rejected', async (_, file, code) => {
  const { session } = await house.invited()
  expect(await upload(session, file)).toMatchObject({ outcome: 'rejected', reasons: [{ code }] })
})

test('armour is taken off: what is stored is binary, octet by octet what was uploaded', async () => {
  const { recipient, session } = await house.invited()
  const key = await makeRecipient(recipient.address)
  const file = Buffer.from(armour('PUBLIC KEY BLOCK', key.target.certificate).replaceAll('\n', '\r\n'))
  expect(await upload(session, file)).toMatchObject({ outcome: 'proposed' })
  const [row] = await house.owner('proposals').where({ recipient_id: recipient.id }).pluck<Buffer[]>('bytes')
  expect(row?.equals(key.target.certificate)).toBe(true)
})

test('armour with a wrong checksum, or with something around it, is rejected', async () => {
  const { recipient, session } = await house.invited()
  const key = await makeRecipient(recipient.address)
  const text = armour('PUBLIC KEY BLOCK', key.target.certificate)
  for (const odd of [
    text.replace(/\n=(.)/, (_, c) => `\n=${c === 'A' ? 'B' : 'A'}`),
    `x\n${text}`,
    text + text,
  ]) {
    expect(odd).not.toBe(text)
    expect(await upload(session, Buffer.from(odd))).toMatchObject({ outcome: 'rejected' })
  }
})

test('a certificate that is somebody else’s, or was, is refused', async () => {
  const { key, recipient } = await house.walked()
  const { session } = await house.invited()
  expect(await upload(session, key.target.certificate)).toMatchObject({ outcome: 'rejected' })
  await house.enrolment.unenrol(house.admin, recipient.id)
  // The same address anew, with the key of the enrolment that ended.
  const again = await house.invited({ address: recipient.address })
  expect(await outcomeOf(upload(again.session, key.target.certificate))).toBe('certificate_in_use')
})

test('a sealed gateway takes no proposal, and says so', async () => {
  const { session } = await house.invited()
  const key = await makeRecipient('a@bank.test')
  const sealed = openEnrolment({ ...house.dependencies, sealer: undefined })
  expect(await outcomeOf(sealed.propose({ session }, key.target.certificate, 'upload'))).toBe('sealed')
})

describe('a code', () => {
  test('is not stored, and proves only for the page of its own recipient', async () => {
    const [who, other] = [await house.invited(), await house.invited()]
    const [key, theirs] = [
      await makeRecipient(who.recipient.address),
      await makeRecipient(other.recipient.address),
    ]
    await house.proposed(who, key)
    await house.proposed(other, theirs)
    const code = await house.codeFor(key)
    expect((await dump()).toLowerCase()).not.toContain(code)
    expect(await outcomeOf(house.enrolment.prove(code, { peer, session: other.session }))).toBe(
      'possession_not_proved',
    )
    expect((await house.events('possession.refused')).at(-1)).toMatchObject({ recipient: other.recipient.id })
    expect(await outcomeOf(house.enrolment.prove(code, { peer }))).toBe('ok')
  })

  test.each(['', 'x', '0'.repeat(26), '٠'.repeat(26), 'a'.repeat(100_000), "' OR 1=1 --"])(
    'such as %# is refused, and audited',
    async code => {
      const before = (await house.events('request.refused')).length
      expect(await outcomeOf(house.enrolment.prove(code, { peer }))).toBe('possession_not_proved')
      const refusals = await house.events('request.refused')
      expect(refusals).toHaveLength(before + 1)
      expect(refusals.at(-1)).toMatchObject({
        code: 'possession_not_proved',
        actor: { kind: 'peer', address: peer },
      })
    },
  )

  test('is void after ten wrong ones, after its time, and once another was mailed', async () => {
    const { enrolment, clock } = house
    const who = await house.invited()
    const key = await makeRecipient(who.recipient.address)
    await house.proposed(who, key)
    expect(await outcomeOf(enrolment.challengeAgain(who.session))).toBe('too_many_requests')
    const first = await house.codeFor(key)
    for (let i = 0; i < 10; i++)
      await outcomeOf(enrolment.prove('0'.repeat(26), { peer, session: who.session }))
    expect(await outcomeOf(enrolment.prove(first, { peer }))).toBe('possession_not_proved')
    clock.pass(2)
    await enrolment.challengeAgain(who.session)
    const second = await house.codeFor(key)
    clock.pass(2)
    await enrolment.challengeAgain(who.session)
    expect(await outcomeOf(enrolment.prove(second, { peer }))).toBe('possession_not_proved')
    const third = await house.codeFor(key)
    house.lifecycle({ proofHours: 1 })
    clock.pass(73 * 60)
    expect(await outcomeOf(enrolment.prove(third, { peer }))).toBe('possession_not_proved')
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'proposed' })
    house.lifecycle({})
  })

  test('mails are bounded: the twenty-first proposal of a day is refused', async () => {
    const who = await house.invited()
    const key = await makeRecipient(who.recipient.address)
    for (let i = 0; i < 20; i++) await house.proposed(who, key)
    expect(await outcomeOf(upload(who.session, key.target.certificate))).toBe('too_many_requests')
  })
})

describe('a copy of the certificate in use', () => {
  test('that is revoked revokes it, for good', async () => {
    const who = await house.walked()
    const { publicKey } = await revokeKey({ key: who.key.privateKey, format: 'object' })
    expect(await upload(who.session, publicKey.write())).toEqual({
      outcome: 'revoked',
      fingerprint: who.fingerprint,
    })
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ active: null })
    const { refused } = await resolveRecipients(house.gateway, [who.recipient.address], house.clock.now())
    expect(refused).toMatchObject([{ code: 'certificate_revoked' }])
    // The copy from before its revocation changes nothing.
    expect(await outcomeOf(upload(who.session, who.key.target.certificate))).toBe('certificate_in_use')
    expect((await house.events('certificate.revoked')).at(-1)).toMatchObject({
      means: 'upload',
      certificate: who.fingerprint,
    })
  })

  test('that is the same changes nothing', async () => {
    const who = await house.walked()
    expect(await upload(who.session, who.key.target.certificate)).toEqual({
      outcome: 'unchanged',
      fingerprint: who.fingerprint,
    })
  })

  test('that ends sooner or later moves its end', async () => {
    const who = await house.walked()
    const privateKey = await readPrivateKey({ binaryKey: who.key.privateKey.write() })
    const { publicKey } = await reformatKey({
      privateKey,
      userIDs: { email: who.recipient.address },
      keyExpirationTime: 90 * 86_400,
      date: new Date(Date.now() + 1000),
      format: 'object',
    })
    house.clock.pass(1)
    expect(await upload(who.session, publicKey.write())).toEqual({
      outcome: 'extended',
      fingerprint: who.fingerprint,
    })
    const { certificates } = await house.enrolment.show(who.recipient.id)
    const days = (certificates[0]!.expiresAt!.getTime() - house.clock.now().getTime()) / 86_400_000
    expect(days).toBeLessThan(91)
  })
})

test('what a directory shows becomes a proposal once, and never displaces what the recipient does', async () => {
  const who = await house.walked()
  const [found, own] = [
    await makeRecipient(who.recipient.address),
    await makeRecipient(who.recipient.address),
  ]
  const show = (key: typeof found) =>
    house.enrolment.propose({ recipient: who.recipient.id }, key.target.certificate, 'refresh')
  expect(await show(found)).toMatchObject({ outcome: 'proposed' })
  expect(await show(found)).toMatchObject({ outcome: 'unchanged' })
  await house.proposed(who, own)
  expect(await show(await makeRecipient(who.recipient.address))).toMatchObject({ outcome: 'unchanged' })
  expect((await house.enrolment.recipientOf(who.session)).proposal).toMatchObject({
    fingerprint: fingerprintOf(own),
  })
  expect(await house.stateOf(who.recipient.id)).toMatchObject({ active: who.fingerprint })
})

test('a replacement that the active certificate certified needs no second operator, if the policy says so', async () => {
  const walkCertified = async () => {
    const who = await house.walked()
    const key = await makeRecipient(who.recipient.address)
    const certified = await key.privateKey.toPublic().signAllUsers([who.key.privateKey])
    const target = { ...key.target, certificate: certified.write() }
    await house.proved(who, { ...key, target })
    return { who, key }
  }
  house.lifecycle({ certifiedReplacementSkipsApproval: false })
  const one = await walkCertified()
  expect(await house.stateOf(one.who.recipient.id)).toMatchObject({
    proposal: 'proved',
    active: one.who.fingerprint,
  })

  house.lifecycle({ certifiedReplacementSkipsApproval: true, coolingOffHours: { first: 0, replacement: 0 } })
  const two = await walkCertified()
  expect(await house.stateOf(two.who.recipient.id)).toMatchObject({
    proposal: 'activated',
    active: fingerprintOf(two.key),
  })
  expect((await house.events('proposal.approved')).at(-1)).toMatchObject({ change: null })

  // Certified by somebody else's key: it needs everything.
  const [who, stranger] = [await house.walked(), await house.walked()]
  const key = await makeRecipient(who.recipient.address)
  const certified = await key.privateKey.toPublic().signAllUsers([stranger.key.privateKey])
  await house.proved(who, { ...key, target: { ...key.target, certificate: certified.write() } })
  expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'proved', active: who.fingerprint })
  house.lifecycle({})
})
