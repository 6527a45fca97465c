import type { CertificateReason } from '../../../src/sealer/host/index.ts'
import {
  type Case,
  day,
  later,
  revoker,
  spoiled,
  stranger,
  tomorrow,
  unknownCriticalNotation,
  unknownHash,
  userIdRevocation,
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
} from './certificates.ts'
import { concat, curve25519Body, ed25519Signer, octets, subpacket, utf8 } from './packets.ts'

/** Primary keys and user IDs that do not vouch for the address. */
export const attacksOnOwner = {
  not_yet_valid: [
    [
      'a key from the future',
      () => {
        const by = ed25519Signer(tomorrow)
        return [
          primaryKey(by),
          ...identity(alice, { created: tomorrow }, by),
          ...encryptionSubkey(curve25519Body(tomorrow), { created: tomorrow }, by),
        ]
      },
    ],
    [
      'a self-signature from the future',
      () => [primaryKey(), ...identity(alice, { created: tomorrow }), ...encryptionSubkey()],
    ],
    [
      'a newest self-signature from the future',
      () => [primaryKey(), ...identity(), identity(alice, { created: tomorrow })[1], ...encryptionSubkey()],
    ],
    [
      'a binding from the future',
      () => withSubkey(...encryptionSubkey(curve25519Body(), { created: tomorrow })),
    ],
    [
      'a direct signature from the future',
      () => [primaryKey(), onPrimary({ created: tomorrow }), ...good().slice(1)],
    ],
  ],
  primary_revoked: [
    [
      'a valid revocation',
      () => [primaryKey(), onPrimary({ type: 0x20, created: later }), ...good().slice(1)],
    ],
    [
      'one that does not verify',
      () => [primaryKey(), spoiled(onPrimary({ type: 0x20, created: later })), ...good().slice(1)],
    ],
    [
      'one with an unknown critical notation',
      () => [primaryKey(), onPrimary({ type: 0x20, hashed: [unknownCriticalNotation] }), ...good().slice(1)],
    ],
    [
      'an expired one',
      () => [
        primaryKey(),
        onPrimary({ type: 0x20, hashed: [subpacket(3, octets(1, 4))] }),
        ...good().slice(1),
      ],
    ],
    [
      'one from the future',
      () => [primaryKey(), onPrimary({ type: 0x20, created: tomorrow }), ...good().slice(1)],
    ],
    ['one by somebody else', () => [primaryKey(), onPrimary({ type: 0x20 }, stranger), ...good().slice(1)]],
    [
      'one with an unknown hash',
      () => [primaryKey(), unknownHash(onPrimary({ type: 0x20 })), ...good().slice(1)],
    ],
    ['one that hides behind the subkey', () => [...good(), onPrimary({ type: 0x20 })]],
  ],
  primary_expired: [
    [
      'by the user ID',
      () => [primaryKey(), ...identity(alice, { hashed: [keyLives(day)] }), ...encryptionSubkey()],
    ],
    [
      'by the direct signature',
      () => [primaryKey(), onPrimary({ hashed: [keyLives(day)] }), ...good().slice(1)],
    ],
    [
      'by another, primary user ID',
      () => [
        primaryKey(),
        ...identity(),
        ...identity('old@bank.test', { hashed: [keyLives(day), subpacket(25, Uint8Array.of(1))] }),
        ...encryptionSubkey(),
      ],
    ],
    [
      'a newer self-signature shortened its life',
      () => [
        primaryKey(),
        ...identity(),
        identity(alice, { created: later, hashed: [keyLives(day)] })[1],
        ...encryptionSubkey(),
      ],
    ],
  ],
  primary_signature_invalid: [
    [
      'a direct signature that does not verify',
      () => [primaryKey(), spoiled(onPrimary({})), ...good().slice(1)],
    ],
    [
      'a direct signature that has ended',
      () => [primaryKey(), onPrimary({ hashed: [subpacket(3, octets(day, 4))] }), ...good().slice(1)],
    ],
  ],
  designated_revoker: [
    ['on the key', () => [primaryKey(), onPrimary({ hashed: [revoker()] }), ...good().slice(1)]],
    [
      'in a self-certification',
      () => [primaryKey(), ...identity(alice, { hashed: [revoker()] }), ...encryptionSubkey()],
    ],
    [
      'outside what is signed',
      () => [primaryKey(), ...identity(alice, { unhashed: [revoker()] }), ...encryptionSubkey()],
    ],
  ],
  user_id_malformed: (
    [
      ['NUL', 'Alice\0 <alice@bank.test>'],
      ['CRLF', 'Alice\r\nBcc: eve@evil.test <alice@bank.test>'],
      ['right-to-left override', 'Alice \u202Etset.knab <alice@bank.test>'],
      ['a byte order mark', '\uFEFFalice@bank.test'],
      ['a zero-width space', 'ali\u200Bce <alice@bank.test>'],
      ['a replacement character', 'Alice \uFFFD <alice@bank.test>'],
      ['a Hangul filler', 'Alice\u3164 <alice@bank.test>'],
      ['an escape sequence', '\u001B[2J <alice@bank.test>'],
      ['nothing in it', ''],
    ] as const
  ).map(([name, text]) => [
    name,
    () => [primaryKey(), ...identity(text), ...encryptionSubkey()],
    'user_id_mismatch' as const,
  ]),
  user_id_unverified: [
    [
      'a self-signature whose first number claims another length than it has',
      () => {
        const [userId, self] = identity()
        const body = self.body.slice()
        const hashed = (body[4] ?? 0) * 256 + (body[5] ?? 0)
        const unhashed = (body[6 + hashed] ?? 0) * 256 + (body[7 + hashed] ?? 0)
        // The low bits of the count of bits: as many octets, and so the same number to a lenient reader.
        const count = 6 + hashed + 2 + unhashed + 2 + 1
        const bits = body[count] ?? 0
        body[count] = bits % 8 === 1 ? bits + 1 : bits - 1
        return [primaryKey(), userId, { ...self, body }, ...encryptionSubkey()]
      },
    ],
    [
      'a self-signature with an octet after it',
      () => {
        const [userId, self] = identity()
        return [
          primaryKey(),
          userId,
          { ...self, body: concat(self.body, Uint8Array.of(0)) },
          ...encryptionSubkey(),
        ]
      },
    ],
    [
      'spliced in without a signature',
      () => [
        primaryKey(),
        { tag: 13, body: utf8(alice) },
        ...identity('mallory@bank.test'),
        ...encryptionSubkey(),
      ],
    ],
    [
      'signed by somebody else only',
      () => [
        primaryKey(),
        ...identity(alice, {}, owner, stranger),
        ...identity('m@bank.test'),
        ...encryptionSubkey(),
      ],
    ],
    [
      'signed by somebody else in our name',
      () => [
        primaryKey(),
        ...identity(alice, { issuer: owner.keyId }, owner, stranger),
        ...encryptionSubkey(),
      ],
    ],
    [
      'a signature of another user ID',
      () => [
        primaryKey(),
        { tag: 13, body: utf8(alice) },
        identity('mallory@bank.test')[1],
        ...encryptionSubkey(),
      ],
    ],
    [
      'a self-signature with a bit flipped',
      () => [primaryKey(), identity()[0], spoiled(identity()[1]), ...encryptionSubkey()],
    ],
    [
      'a newest self-signature that does not verify',
      () => [
        primaryKey(),
        ...identity(),
        spoiled(identity(alice, { created: later })[1]),
        ...encryptionSubkey(),
      ],
    ],
    [
      'a self-signature that has ended',
      () => [
        primaryKey(),
        ...identity(alice, { hashed: [subpacket(3, octets(day, 4))] }),
        ...encryptionSubkey(),
      ],
    ],
    [
      'an unknown critical notation',
      () => [primaryKey(), ...identity(alice, { hashed: [unknownCriticalNotation] }), ...encryptionSubkey()],
    ],
    [
      'no issuer and no valid signature',
      () => [primaryKey(), ...identity(alice, { issuer: null }, owner, stranger), ...encryptionSubkey()],
    ],
    [
      'two self-signatures of one second that differ',
      () => [
        primaryKey(),
        ...identity(),
        identity(alice, { hashed: [keyLives(day * 900)] })[1],
        ...encryptionSubkey(),
      ],
    ],
  ],
  user_id_mismatch: (
    [
      'bob@bank.test',
      'Alice@bank.test',
      'alice@bank.test.evil.test',
      'xalice@bank.test',
      'alice@bank.test <eve@evil.test>',
      '<alice@bank.test> <eve@evil.test>',
      'alice@bank.test ',
      ' alice@bank.test',
      '<alice@bank.test>>',
      'a<b <alice@bank.test>',
      'Alice alice@bank.test',
      '\u0430lice@bank.test',
      '"<alice@bank.test>"',
    ] as const
  ).map(text => [text, () => [primaryKey(), ...identity(text), ...encryptionSubkey()]]),
  user_id_revoked: [
    ['a valid revocation', () => [primaryKey(), ...identity(), userIdRevocation(), ...encryptionSubkey()]],
    [
      'one that does not verify',
      () => [primaryKey(), ...identity(), spoiled(userIdRevocation()), ...encryptionSubkey()],
    ],
    [
      'one with an unknown critical notation',
      () => [primaryKey(), ...identity(), userIdRevocation([unknownCriticalNotation]), ...encryptionSubkey()],
    ],
    [
      'an older one than the self-signature',
      () => [
        primaryKey(),
        ...identity(alice, { created: new Date('2026-03-01') }),
        userIdRevocation(),
        ...encryptionSubkey(),
      ],
    ],
  ],
} satisfies Partial<Record<CertificateReason, readonly Case[]>>
