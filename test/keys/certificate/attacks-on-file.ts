import type { CertificateReason } from '../../../src/sealer/host/index.ts'
import { type Case, offCurve, stranger, withSameSubkey, withSubkey } from './attack.ts'
import {
  alice,
  encryptionSubkey,
  good,
  identity,
  onPrimary,
  owner,
  primaryKey,
  withFlags,
} from './certificates.ts'
import {
  armored,
  bigMpi,
  concat,
  curve25519Body,
  encode,
  keyBody,
  made,
  octets,
  subpacket,
} from './packets.ts'

/** What no certificate of one version 4 key looks like. */
export const attacksOnFile = {
  too_large: [
    ['more than 64 KiB', () => concat(encode(good()), new Uint8Array(65536))],
    [
      'more than 64 KiB of third-party signatures',
      () => [
        primaryKey(),
        ...identity(),
        ...Array.from({ length: 700 }, () => identity()[1]),
        ...encryptionSubkey(),
      ],
    ],
    [
      '300 signatures of others',
      () => [
        primaryKey(),
        ...identity(),
        ...Array.from({ length: 300 }, () => identity(alice, {}, owner, stranger)[1]),
        ...encryptionSubkey(),
      ],
    ],
    [
      '70 self-signatures',
      () => [
        primaryKey(),
        ...identity(),
        ...Array.from({ length: 70 }, () => identity()[1]),
        ...encryptionSubkey(),
      ],
    ],
    ['70 subkeys', () => withSubkey(...Array.from({ length: 70 }, () => encryptionSubkey()).flat())],
  ],
  not_a_certificate: [
    ['nothing', () => ''],
    ['text', () => 'hello'],
    ['an image', () => Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16)],
    ['a message in armour', () => '-----BEGIN PGP MESSAGE-----\n\nwcBM\n-----END PGP MESSAGE-----\n'],
    ['a revocation alone', () => [onPrimary({ type: 0x20 })]],
    ['a user ID before the key', () => [...identity(), primaryKey()]],
  ],
  private_key: [
    ['a secret key packet', () => [{ tag: 5, body: owner.body }, ...good().slice(1)]],
    ['a secret subkey after a public key', () => [...good(), { tag: 7, body: curve25519Body() }]],
    [
      'a private key after a broken packet',
      () => [primaryKey(), { tag: 2, body: Uint8Array.of(9) }, { tag: 7, body: curve25519Body() }],
    ],
    ['armour of a private key', () => armored(encode(good()), 'PRIVATE')],
    ['a public and then a private block', () => armored(encode(good())) + armored(encode(good()), 'PRIVATE')],
  ],
  several_certificates: [
    ['two keys in one file', () => [...good(), primaryKey(stranger), ...identity(alice, {}, stranger)]],
    ['two armoured blocks', () => armored(encode(good())).repeat(2)],
  ],
  malformed_packets: [
    ['a packet cut short', () => encode(good()).slice(0, -1)],
    ['octets after the last packet', () => concat(encode(good()), Uint8Array.of(0))],
    ['a partial length', () => concat(encode(good()), Uint8Array.of(0xc0 | 17, 0xe1, 1, 2, 1, 3))],
    ['an indeterminate length', () => concat(encode(good()), Uint8Array.of(0x80 | (13 << 2) | 3, 65))],
    ['a user ID after a subkey', () => [primaryKey(), ...encryptionSubkey(), ...identity()]],
    ['a certification on the primary key', () => [primaryKey(), identity()[1], ...good().slice(1)]],
    ['one subkey twice', () => withSubkey(...withSameSubkey())],
    ['one user ID twice', () => [primaryKey(), ...identity(), ...identity(), ...encryptionSubkey()]],
    [
      'two key-flag subpackets in one signature',
      () => withSubkey(...encryptionSubkey(curve25519Body(), { hashed: withFlags(...withFlags()) })),
    ],
    [
      'an expiry of three octets',
      () => [
        primaryKey(),
        ...identity(alice, { hashed: [subpacket(9, octets(1, 3))] }),
        ...encryptionSubkey(),
      ],
    ],
    [
      'a number with a wrong bit count',
      () =>
        withSubkey(
          ...encryptionSubkey(
            keyBody(1, concat(octets(3072, 2), new Uint8Array(384).fill(1), bigMpi(65537n))),
          ),
        ),
    ],
    ['armour with a wrong checksum', () => armored(encode(good())).replace('-----END', '=AAAA\n-----END')],
    ['text before the armour', () => `hello\n${armored(encode(good()))}`],
    ['base64 with a stranger in it', () => armored(encode(good())).replace(/\n\n(.)/, '\n\n$1*')],
  ],
  unknown_packets: [
    ['a padding packet', () => [...good(), { tag: 21, body: new Uint8Array(3) }]],
    ['a private packet', () => [...good(), { tag: 60, body: new Uint8Array(3) }]],
    ['a trust packet', () => [...good(), { tag: 12, body: Uint8Array.of(1, 2) }]],
  ],
  version_unsupported: [
    [
      'a version 6 key',
      () => [{ tag: 6, body: keyBody(27, concat(octets(32, 4), new Uint8Array(32)), made, 6) }],
    ],
    ['a version 3 signature', () => [...good().slice(0, 2), { tag: 2, body: Uint8Array.of(3, 5, 0x10) }]],
  ],
  key_material_invalid: [
    [
      'a point of the wrong length',
      () => withSubkey(...encryptionSubkey(curve25519Body(made, new Uint8Array(31).fill(7)))),
    ],
    ['Curve25519 zero', () => withSubkey(...encryptionSubkey(curve25519Body(made, new Uint8Array(32))))],
    ['a point off P-256', () => withSubkey(...encryptionSubkey(offCurve()))],
  ],
} satisfies Partial<Record<CertificateReason, readonly Case[]>>
