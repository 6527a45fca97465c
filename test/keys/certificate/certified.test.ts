import { expect, test } from 'vitest'
import { inspectCertificate } from '../../../src/sealer/inside/certificate/index.ts'
import {
  alice,
  at,
  encryptionSubkey,
  identity,
  onPrimary,
  owner,
  primaryKey,
  standard,
} from './certificates.ts'
import {
  curve25519Body,
  ed25519Signer,
  encode,
  made,
  octets,
  type Part,
  type SignatureOptions,
  signature,
  subpacket,
  user,
  utf8,
} from './packets.ts'

const later = new Date('2026-02-01T00:00:00Z')
const former = ed25519Signer()
const formerParts = [
  primaryKey(former),
  ...identity(alice, {}, former),
  ...encryptionSubkey(curve25519Body(), {}, former),
]
const formerFile = encode(formerParts)

/** `owner`'s certificate, its user ID signed by somebody too. */
function successor(...certifications: readonly Part[]): Uint8Array {
  return encode([primaryKey(), ...identity(), ...certifications, ...encryptionSubkey()])
}

function certification(
  options: SignatureOptions = {},
  by = former,
  primary = owner.body,
  name: string = alice,
): Part {
  return signature(by, primary, user(utf8(name)), { type: 0x10, created: later, ...options })
}

async function isCertified(file: Uint8Array, certifier: Uint8Array = formerFile): Promise<boolean> {
  const verdict = await inspectCertificate(file, alice, at, standard, { certifier })
  expect(verdict.verdict).toBe('accept')
  return verdict.certifiedByGiven
}

test.each([0x10, 0x12, 0x13])('a certification of type %i by the certificate in use counts', async type => {
  expect(await isCertified(successor(certification({ type })))).toBe(true)
})

test.each<[string, () => readonly Part[]]>([
  ['none', () => []],
  ["a stranger's", () => [certification({}, ed25519Signer())]],
  [
    "a stranger's, in the name of the certificate in use",
    () => [certification({ issuer: former.keyId }, ed25519Signer())],
  ],
  ['of another key', () => [certification({}, former, ed25519Signer().body)]],
  ['of another user ID', () => [certification({}, former, owner.body, 'mallory@bank.test')]],
  ['for own use only', () => [certification({ hashed: [subpacket(4, Uint8Array.of(0))] })]],
  ['that says nothing was checked', () => [certification({ type: 0x11 })]],
  ['with SHA-1', () => [certification({ hash: 'sha1' })]],
  ['from the future', () => [certification({ created: new Date('2027-01-01T00:00:00Z') })]],
  ['older than the key that made it', () => [certification({ created: new Date(made.getTime() - 1000) })]],
  ['that has ended', () => [certification({ hashed: [subpacket(3, octets(60, 4))] })]],
  [
    'with a bit flipped',
    () => {
      const { tag, body } = certification()
      return [{ tag, body: body.map((octet, i) => (i === body.length - 1 ? octet ^ 1 : octet)) }]
    },
  ],
])('%s does not', async (_, certifications) => {
  expect(await isCertified(successor(...certifications()))).toBe(false)
})

test('one that was taken back makes the user ID a revoked one', async () => {
  const file = successor(certification(), certification({ type: 0x30 }))
  expect(await inspectCertificate(file, alice, at, standard, { certifier: formerFile })).toMatchObject({
    verdict: 'reject',
    reasons: ['user_id_revoked'],
    certifiedByGiven: false,
  })
})

test('a certification on another user ID than the accepted one does not', async () => {
  const other = 'a@home.test'
  const parts = [
    primaryKey(),
    ...identity(other),
    certification({}, former, owner.body, other),
    ...identity(),
  ]
  expect(await isCertified(encode([...parts, ...encryptionSubkey()]))).toBe(false)
})

test.each<[string, () => Uint8Array]>([
  ['is revoked', () => encode(formerParts.toSpliced(1, 0, onPrimary({ type: 0x20 }, former)))],
  [
    'is for another address',
    () =>
      encode([
        primaryKey(former),
        ...identity('mallory@bank.test', {}, former),
        ...encryptionSubkey(curve25519Body(), {}, former),
      ]),
  ],
  ['cannot be read', () => new Uint8Array(9)],
  ['is the same key', () => successor()],
])('a certifier that %s certifies nothing', async (_, certifier) => {
  expect(await isCertified(successor(certification()), certifier())).toBe(false)
})

test('the pinned subkey or none: with another named, no verdict falls back', async () => {
  const [older, newer] = [encryptionSubkey(), encryptionSubkey(curve25519Body(later), { created: later })]
  const file = encode([primaryKey(), ...identity(), ...older, ...newer])
  const inspect = (pinned?: string) =>
    inspectCertificate(file, alice, at, standard, pinned === undefined ? {} : { pinned })
  const { encryptionSubkey: newest } = await inspect()
  const oldest = (
    await inspectCertificate(encode([primaryKey(), ...identity(), ...older]), alice, at, standard)
  ).encryptionSubkey
  expect(await inspect(oldest ?? '')).toMatchObject({ verdict: 'accept', encryptionSubkey: oldest })
  expect(await inspect(newest ?? '')).toMatchObject({ verdict: 'accept', encryptionSubkey: newest })
  expect(await inspect('A'.repeat(40))).toMatchObject({
    verdict: 'reject',
    reasons: ['no_encryption_subkey'],
  })
})
