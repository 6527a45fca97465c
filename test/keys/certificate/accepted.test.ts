import { generateKeyPairSync } from 'node:crypto'
import { generateKey } from 'openpgp'
import { describe, expect, test } from 'vitest'
import {
  alice,
  at,
  encryptionSubkey,
  fingerprint,
  good,
  identity,
  inspect,
  keyLives,
  onPrimary,
  owner,
  primaryKey,
  standard,
  withFlags,
} from './certificates.ts'
import {
  armored,
  concat,
  curve25519Body,
  ed25519Signer,
  encode,
  forHash,
  keyBody,
  made,
  mpi,
  octets,
  type Part,
  rsaBody,
  rsaSigner,
  signature,
  subpacket,
} from './packets.ts'
import { honestModulus } from './weak-rsa.ts'

const year = 365 * 86_400
const later = new Date('2026-02-01T00:00:00Z')
const stranger = ed25519Signer()
const readsV2 = subpacket(30, Uint8Array.of(0x09))

function after(seconds: number, from = made): string {
  return new Date(from.getTime() + seconds * 1000).toISOString()
}

describe('a sound certificate is accepted with its subkey, algorithm and format', () => {
  test('Curve25519 as GnuPG makes it', async () => {
    const parts = good()
    expect(await inspect(encode(parts))).toEqual({
      verdict: 'accept',
      reasons: [],
      fingerprint: owner.fingerprint,
      encryptionSubkey: fingerprint(parts[3] as Part),
      algorithm: 'ecdh-curve25519',
      format: 'seipdv1',
      expires: after(1825 * 86_400),
      expiresFor: 'cryptoperiod_over',
      legacy: true,
      rsaModuli: [],
      certifiedByGiven: false,
    })
  })

  test('RSA 3072 with an RSA 4096 subkey', async () => {
    const by = rsaSigner(3072)
    const subkey = encryptionSubkey(rsaBody(honestModulus(4096)), {}, by)
    const verdict = await inspect(encode([primaryKey(by), ...identity(alice, {}, by), ...subkey]))
    expect(verdict).toMatchObject({ verdict: 'accept', fingerprint: by.fingerprint, algorithm: 'rsa4096' })
    expect(verdict.rsaModuli.map(modulus => modulus.length * 4)).toEqual([3072, 4096])
    expect(Buffer.from(by.body).toString('hex').toUpperCase()).toContain(verdict.rsaModuli[0])
  })

  test.each([
    ['P-256', '2a8648ce3d030107', 'ecdh-nistp256'],
    ['P-384', '2b81040022', 'ecdh-nistp384'],
    ['P-521', '2b81040023', 'ecdh-nistp521'],
  ])('a %s subkey', async (namedCurve, oid, algorithm) => {
    const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
    const point = concat(Uint8Array.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'))
    const identifier = Buffer.from(oid, 'hex')
    const material = concat(
      Uint8Array.of(identifier.length),
      identifier,
      mpi(point),
      Uint8Array.of(3, 1, 10, 9),
    )
    const parts = [primaryKey(), ...identity(), ...encryptionSubkey(keyBody(18, material))]
    expect(await inspect(encode(parts))).toMatchObject({ verdict: 'accept', reasons: [], algorithm })
  })

  test.each([
    ['ecc', 'nistP384', 'ecdh-nistp384'],
    ['curve25519', undefined, 'x25519'],
    ['curve448', undefined, 'x448'],
  ] as const)('what openpgp.js makes: %s %s', async (type, curve, algorithm) => {
    const made = await generateKey({
      type,
      ...(curve === undefined ? {} : { curve }),
      userIDs: [{ name: 'Alice', email: alice }],
      date: at,
      format: 'object',
    })
    const subkey = made.publicKey.subkeys[0]?.getFingerprint().toUpperCase()
    for (const file of [made.publicKey.write(), made.publicKey.armor()]) {
      expect(await inspect(file)).toMatchObject({ verdict: 'accept', algorithm, encryptionSubkey: subkey })
    }
  })

  test('armour, with and without checksum, header and CRLF, gives the same verdict as binary', async () => {
    const binary = encode(good())
    const verdict = await inspect(binary)
    const text = armored(binary)
    for (const file of [
      text,
      text.replaceAll('\n', '\r\n'),
      text.replace('\n\n', '\nComment: hello\n\n'),
      `\n${text}\n`,
    ]) {
      expect(await inspect(file)).toEqual(verdict)
    }
  })

  test('a name before the address, several user IDs, a photo and signatures of others', async () => {
    const [userId, self] = identity('Alice Ångström (work) <alice@bank.test>')
    const theirs = identity('Alice Ångström (work) <alice@bank.test>', {}, owner, stranger)[1]
    const photo = { tag: 17, body: Uint8Array.of(2, 1, 0) }
    const parts = [
      primaryKey(),
      ...identity('a@home.test'),
      userId,
      self,
      theirs,
      photo,
      ...encryptionSubkey(),
    ]
    expect(await inspect(encode(parts))).toMatchObject({ verdict: 'accept' })
  })

  test('a renamed user ID may be revoked beside its successor', async () => {
    const [old, self] = identity('A. <alice@bank.test>')
    const data = concat(Uint8Array.of(0xb4), octets(old.body.length, 4), old.body)
    const revocation = signature(owner, owner.body, data, { type: 0x30, created: later })
    const parts = [primaryKey(), old, self, revocation, ...identity(), ...encryptionSubkey()]
    expect(await inspect(encode(parts))).toMatchObject({ verdict: 'accept' })
  })
})

describe('the format is what the verified self-signature says', () => {
  test('feature 0x08 gives SEIPDv2', async () => {
    const parts = [primaryKey(), ...identity(alice, { hashed: [readsV2] }), ...encryptionSubkey()]
    expect(await inspect(encode(parts))).toMatchObject({ verdict: 'accept', format: 'seipdv2' })
  })

  test.each([
    ['outside what is signed', () => identity(alice, { unhashed: [readsV2] })],
    [
      'in the signature of another user ID',
      () => [...identity('b@home.test', { hashed: [readsV2] }), ...identity()],
    ],
    ['by somebody else', () => [...identity(), identity(alice, { hashed: [readsV2] }, owner, stranger)[1]]],
    [
      'in an older self-signature',
      () => [...identity(alice, { hashed: [readsV2] }), identity(alice, { created: later })[1]],
    ],
  ])('a feature bit %s counts for nothing', async (_, userIds) => {
    const parts = [primaryKey(), ...userIds(), ...encryptionSubkey()]
    expect(await inspect(encode(parts))).toMatchObject({ verdict: 'accept', format: 'seipdv1' })
  })
})

describe('the newest sound subkey is pinned', () => {
  const old = encryptionSubkey()
  const newer = encryptionSubkey(curve25519Body(later), { created: later })

  test.each([
    ['in order', () => [...old, ...newer]],
    ['out of order', () => [...newer, ...old]],
    ['the older one revoked', () => [...old, revocationOf(old[0]), ...newer]],
  ])('%s', async (_, subkeys) => {
    const verdict = await inspect(encode([primaryKey(), ...identity(), ...subkeys()]))
    expect(verdict).toMatchObject({ verdict: 'accept', encryptionSubkey: fingerprint(newer[0]) })
  })

  test.each([
    [
      'has expired',
      () => encryptionSubkey(curve25519Body(later), { created: later, hashed: withFlags(keyLives(86_400)) }),
    ],
    [
      'is too weak',
      () => encryptionSubkey(keyBody(1, rsaBody(honestModulus(1024)).subarray(6), later), { created: later }),
    ],
    [
      'is for signing',
      () =>
        encryptionSubkey(ed25519Signer(later).body, {
          created: later,
          hashed: [subpacket(27, Uint8Array.of(2))],
        }),
    ],
  ])('an older one is, when the newest %s', async (_, newest) => {
    const verdict = await inspect(encode([primaryKey(), ...identity(), ...old, ...newest()]))
    expect(verdict).toMatchObject({ verdict: 'accept', encryptionSubkey: fingerprint(old[0]) })
  })

  test('an older one is, when the newest is genuinely bound, but with SHA-1', async () => {
    const by = rsaSigner(3072)
    const older = encryptionSubkey(curve25519Body(), {}, by)
    const newest = encryptionSubkey(curve25519Body(later), { created: later, hash: 'sha1' }, by)
    const verdict = await inspect(encode([primaryKey(by), ...identity(alice, {}, by), ...older, ...newest]))
    expect(verdict).toMatchObject({ verdict: 'accept', encryptionSubkey: fingerprint(older[0]) })
  })

  test('of two from one second, whatever their order, the same one', async () => {
    const [a, b] = [encryptionSubkey(), encryptionSubkey()]
    const one = await inspect(encode([primaryKey(), ...identity(), ...a, ...b]))
    const other = await inspect(encode([primaryKey(), ...identity(), ...b, ...a]))
    expect(one.verdict).toBe('accept')
    expect(other).toEqual(one)
  })
})

describe('it expires at the earliest of key, user ID and subkey', () => {
  test.each([
    [
      'the key',
      () => [
        primaryKey(),
        ...identity(alice, { hashed: [keyLives(year)] }),
        ...encryptionSubkey(undefined, { hashed: withFlags(keyLives(2 * year)) }),
      ],
      after(year),
    ],
    [
      'the key, by its direct signature',
      () => [primaryKey(), onPrimary({ hashed: [keyLives(year)] }), ...good().slice(1)],
      after(year),
    ],
    [
      'the user ID',
      () => [
        primaryKey(),
        ...identity(alice, { hashed: [subpacket(3, octets(year, 4)), keyLives(2 * year)] }),
        ...encryptionSubkey(),
      ],
      after(year),
    ],
    [
      'the subkey',
      () => [
        primaryKey(),
        ...identity(alice, { hashed: [keyLives(2 * year)] }),
        ...encryptionSubkey(undefined, { hashed: withFlags(keyLives(year)) }),
      ],
      after(year),
    ],
    [
      'the binding',
      () => [
        primaryKey(),
        ...identity(),
        ...encryptionSubkey(undefined, { created: later, hashed: withFlags(subpacket(3, octets(year, 4))) }),
      ],
      after(year, later),
    ],
    [
      'an extended life: the newest self-signature',
      () => [
        primaryKey(),
        ...identity(alice, { hashed: [keyLives(86_400)] }),
        identity(alice, { created: later, hashed: [keyLives(year)] })[1],
        ...encryptionSubkey(),
      ],
      after(year),
    ],
  ])('%s', async (_, parts, expires) => {
    expect(await inspect(encode(parts()))).toMatchObject({ verdict: 'accept', expires })
    const last = new Date(new Date(expires).getTime() - 1000)
    expect(await inspect(encode(parts()), standard, last)).toMatchObject({ verdict: 'accept' })
    expect(await inspect(encode(parts()), standard, new Date(expires))).toMatchObject({ verdict: 'reject' })
  })
})

function revocationOf(subkey: Part): Part {
  return signature(owner, owner.body, forHash(subkey.body), { type: 0x28, created: later })
}
