import type { CertificateReason } from '../../../src/sealer/host/index.ts'
import {
  type Case,
  day,
  later,
  ownedBy,
  revokedSubkey,
  spoiled,
  square,
  stranger,
  subkeyRevocation,
  unknownCriticalNotation,
  withSubkey,
} from './attack.ts'
import {
  alice,
  encryptionSubkey,
  good,
  identity,
  keyLives,
  onPrimary,
  owner,
  primaryKey,
  withFlags,
} from './certificates.ts'
import {
  bigMpi,
  concat,
  curve25519Body,
  ed25519Signer,
  keyBody,
  made,
  mpi,
  octets,
  rsaBody,
  subpacket,
} from './packets.ts'
import { closeFactors, honestModulus, rocaModulus, withSmallFactor } from './weak-rsa.ts'

/** Subkeys that nothing may be encrypted to. */
export const attacksOnSubkey = {
  no_encryption_subkey: [
    ['only a primary key', () => [primaryKey(), ...identity()]],
    [
      'a subkey that may only sign',
      () =>
        withSubkey(
          ...encryptionSubkey(rsaBody(honestModulus(3072)), { hashed: [subpacket(27, Uint8Array.of(0x20))] }),
        ),
    ],
    ['a subkey without flags', () => withSubkey(...encryptionSubkey(curve25519Body(), { hashed: [] }))],
    [
      'flags outside what is signed',
      () => withSubkey(...encryptionSubkey(curve25519Body(), { hashed: [], unhashed: withFlags() })),
    ],
    ['an algorithm that cannot encrypt', () => withSubkey(...encryptionSubkey(ed25519Signer().body))],
  ],
  subkey_revoked: [
    ['a valid revocation', () => revokedSubkey(part => part)],
    ['one that does not verify', () => revokedSubkey(spoiled)],
    [
      'the newest, an older one being valid',
      () => {
        const body = curve25519Body(later)
        return [...good(), ...encryptionSubkey(body, { created: later }), subkeyRevocation(body)]
      },
    ],
    [
      'the newest, revoked by somebody else',
      () => {
        const body = curve25519Body(later)
        return [...good(), ...encryptionSubkey(body, { created: later }), subkeyRevocation(body, stranger)]
      },
    ],
    [
      'a revocation that stands elsewhere',
      () => [primaryKey(), subkeyRevocation(curve25519Body()), ...good().slice(1)],
    ],
  ],
  subkey_expired: [
    [
      'by its binding',
      () => withSubkey(...encryptionSubkey(curve25519Body(), { hashed: withFlags(keyLives(day)) })),
    ],
    [
      'because its binding has ended',
      () =>
        withSubkey(
          ...encryptionSubkey(curve25519Body(), { hashed: withFlags(subpacket(3, octets(day, 4))) }),
        ),
    ],
    [
      'a newer binding shortened its life',
      () => {
        const body = curve25519Body()
        return withSubkey(
          ...encryptionSubkey(body),
          encryptionSubkey(body, { created: later, hashed: withFlags(keyLives(day)) })[1],
        )
      },
    ],
  ],
  cryptoperiod_over: [
    [
      'a subkey older than the policy lets one be',
      () => withSubkey(...encryptionSubkey(curve25519Body(new Date('2021-06-01T00:00:00Z')))),
    ],
  ],
  subkey_binding_invalid: [
    ['no binding', () => withSubkey(encryptionSubkey()[0])],
    ['bound by somebody else', () => withSubkey(...encryptionSubkey(curve25519Body(), {}, owner, stranger))],
    [
      'bound by somebody else in our name',
      () => withSubkey(...encryptionSubkey(curve25519Body(), { issuer: owner.keyId }, owner, stranger)),
    ],
    ['a binding with a bit flipped', () => withSubkey(encryptionSubkey()[0], spoiled(encryptionSubkey()[1]))],
    ['a binding of another subkey', () => withSubkey(encryptionSubkey()[0], encryptionSubkey()[1])],
    [
      'one more subkey spliced in',
      () => [...good(), ...encryptionSubkey(curve25519Body(), {}, owner, stranger)],
    ],
    [
      'an unknown critical notation',
      () => withSubkey(...encryptionSubkey(curve25519Body(), { hashed: withFlags(unknownCriticalNotation) })),
    ],
  ],
  hash_too_weak: [
    [
      'SHA-1 self-signature',
      () => [primaryKey(), ...identity(alice, { hash: 'sha1' }), ...encryptionSubkey()],
    ],
    ['SHA-1 binding', () => withSubkey(...encryptionSubkey(curve25519Body(), { hash: 'sha1' }))],
    ['MD5 binding', () => withSubkey(...encryptionSubkey(curve25519Body(), { hash: 'md5' }))],
    ['SHA-1 on the key itself', () => [primaryKey(), onPrimary({ hash: 'sha1' }), ...good().slice(1)]],
    [
      'a newest binding with SHA-1 that may or may not be genuine',
      () => [...good(), ...encryptionSubkey(curve25519Body(later), { created: later, hash: 'sha1' })],
    ],
    [
      'a newest self-signature with SHA-1',
      () => [
        primaryKey(),
        ...identity(),
        identity(alice, { created: later, hash: 'sha1' })[1],
        ...encryptionSubkey(),
      ],
    ],
  ],
  algorithm_not_allowed: [
    [
      'Elgamal',
      () => withSubkey(...encryptionSubkey(keyBody(16, concat(bigMpi(23n), bigMpi(5n), bigMpi(8n))))),
    ],
    [
      'ECDH with a SHA-1 key derivation',
      () => withSubkey(...encryptionSubkey(curve25519Body(made, undefined, [3, 1, 2, 7]))),
    ],
    [
      'an unknown curve',
      () =>
        withSubkey(
          ...encryptionSubkey(
            keyBody(18, concat(Uint8Array.of(1, 1), mpi(Uint8Array.of(4, 1)), Uint8Array.of(3, 1, 8, 7))),
          ),
        ),
    ],
    [
      'encrypt-only RSA',
      () => withSubkey(...encryptionSubkey(keyBody(2, concat(bigMpi(honestModulus(3072)), bigMpi(65537n))))),
    ],
    ['a DSA primary key', () => ownedBy(keyBody(17, concat(...[23n, 11n, 4n, 3n].map(bigMpi))))],
  ],
  rsa_too_small: [
    ['2048 bits', () => withSubkey(...encryptionSubkey(rsaBody(honestModulus(2048))))],
    ['a primary key of 1024 bits', () => ownedBy(rsaBody(honestModulus(1024)))],
  ],
  rsa_too_large: [['16384 bits', () => withSubkey(...encryptionSubkey(rsaBody((1n << 16383n) + 1n)))]],
  rsa_weak_exponent: ([1n, 3n, 65536n, 65538n] as const).map(e => [
    `e = ${e}`,
    () => withSubkey(...encryptionSubkey(rsaBody(honestModulus(3072), e))),
  ]),
  rsa_debian_weak: [
    [
      'an RSA primary key of the time of the faulty OpenSSL',
      () => ownedBy(keyBody(1, rsaBody(honestModulus(3072)).subarray(6), new Date('2007-06-01T00:00:00Z'))),
    ],
  ],
  rsa_roca: [['CVE-2017-15361', () => withSubkey(...encryptionSubkey(rsaBody(rocaModulus())))]],
  rsa_fermat: [
    ['two neighbouring primes', () => withSubkey(...encryptionSubkey(rsaBody(closeFactors())))],
    ['a square', () => withSubkey(...encryptionSubkey(rsaBody(square())))],
  ],
  rsa_small_factor: [
    ['a factor of 16 bits', () => withSubkey(...encryptionSubkey(rsaBody(withSmallFactor())))],
    ['an even modulus', () => withSubkey(...encryptionSubkey(rsaBody(1n << 3071n)))],
  ],
} satisfies Partial<Record<CertificateReason, readonly Case[]>>
