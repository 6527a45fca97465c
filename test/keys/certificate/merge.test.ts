import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergeCopies } from '../../../src/sealer/inside/certificate/merge.ts'
import {
  encryptionSubkey,
  identity,
  inspect,
  keyLives,
  onPrimary,
  owner,
  primaryKey,
} from './certificates.ts'
import {
  armored,
  curve25519Body,
  ed25519Signer,
  encode,
  forHash,
  made,
  type Part,
  signature,
  subpacket,
  user,
  utf8,
} from './packets.ts'

const year = 365 * 24 * 3600
const later = new Date(made.getTime() + 1000)

/** All that an owner may have said over the years, by what it was said of. */
const subkeys = [curve25519Body(new Date(made.getTime() - 1000)), curve25519Body()].map(body => ({
  key: { tag: 14, body },
  signatures: [
    encryptionSubkey(body)[1],
    encryptionSubkey(body, { created: later })[1],
    signature(owner, owner.body, forHash(body), { type: 0x28 }),
  ],
}))
const users = ['alice@bank.test', 'a@home.test'].map(text => ({
  key: { tag: 13, body: utf8(text) },
  signatures: [
    identity(text)[1],
    identity(text, { created: later, hashed: [keyLives(year)] })[1],
    signature(owner, owner.body, user(utf8(text)), { type: 0x30 }),
  ],
}))
const direct = [onPrimary({}), onPrimary({ type: 0x20 }), onPrimary({ type: 0x20, created: later })]
const revocations = [...direct.slice(1), ...[...subkeys, ...users].map(({ signatures }) => signatures[2]!)]

/** Any copy that a server could hand out: some of the parts, in any order of the signatures. */
const copy = fc
  .record({
    direct: fc.shuffledSubarray(direct),
    parts: fc.tuple(
      ...[...users, ...subkeys].map(({ key, signatures }) =>
        fc.option(fc.shuffledSubarray(signatures).map(some => [key, ...some])),
      ),
    ),
  })
  .map(({ direct: some, parts }): readonly Part[] => [
    primaryKey(),
    ...some,
    ...parts.flatMap(part => part ?? []),
  ])

const fold = (copies: readonly Uint8Array[]): Uint8Array | undefined =>
  copies.reduce<Uint8Array | undefined>(
    (sofar, next) => (sofar === undefined ? undefined : mergeCopies(sofar, next)),
    copies[0],
  )
const holds = (file: Uint8Array | undefined, { body }: Part): boolean =>
  file !== undefined && Buffer.from(file).includes(Buffer.from(body))

describe('copies of one certificate', () => {
  test('make the same octets in whatever order they come, and however often', () => {
    fc.assert(
      fc.property(
        fc.array(copy, { minLength: 2, maxLength: 5 }).chain(copies =>
          fc.record({
            copies: fc.constant(copies.map(encode)),
            order: fc.shuffledSubarray([...copies.keys(), ...copies.keys()], {
              minLength: copies.length * 2,
            }),
          }),
        ),
        ({ copies, order }) => {
          const merged = fold([...copies, copies[0]!])
          expect(merged).toBeDefined()
          expect(fold(order.map(i => copies[i]!))).toEqual(merged)
        },
      ),
    )
  })

  test('never lose a revocation that one of them has, nor anything else that the owner said', () => {
    fc.assert(
      fc.property(fc.array(copy, { minLength: 2, maxLength: 4 }), copies => {
        const merged = fold(copies.map(encode))
        for (const part of copies.flat()) expect(holds(merged, part)).toBe(true)
      }),
    )
    expect(revocations).toHaveLength(6)
  })

  test('grouped by any bracket make the same octets', () => {
    fc.assert(
      fc.property(copy, copy, copy, (...copies) => {
        const [a, b, c] = copies.map(encode) as [Uint8Array, Uint8Array, Uint8Array]
        expect(mergeCopies(mergeCopies(a, b)!, c)).toEqual(mergeCopies(a, mergeCopies(b, c)!))
      }),
    )
  })
})

test('an older copy without the revocation does not bring a key back', async () => {
  const old = encode([primaryKey(), ...identity(), ...encryptionSubkey(subkeys[1]!.key.body)])
  expect((await inspect(old)).verdict).toBe('accept')
  const revoked = encode([primaryKey(), onPrimary({ type: 0x20 })])
  const merged = mergeCopies(mergeCopies(old, revoked)!, old)
  expect((await inspect(merged!)).reasons).toEqual(['primary_revoked'])
})

test('a copy without user IDs, as keyservers give them, extends a subkey of a copy that has them', async () => {
  const { body } = subkeys[1]!.key
  const flags = subpacket(27, Uint8Array.of(0x0c))
  const short = encryptionSubkey(body, { hashed: [flags, keyLives(200 * 24 * 3600)] })
  const long = encryptionSubkey(body, { hashed: [flags, keyLives(year)], created: later })
  const known = encode([primaryKey(), ...identity(), ...short])
  const merged = mergeCopies(known, utf8(armored(encode([primaryKey(), ...long]))))
  expect((await inspect(known)).expires).toBe(new Date(made.getTime() + 200 * 24 * 3600_000).toISOString())
  expect(await inspect(merged!)).toMatchObject({
    verdict: 'accept',
    expires: new Date(made.getTime() + year * 1000).toISOString(),
  })
})

test('the newest word of the owner counts, also when it is the shorter one, and an older copy does not undo it', async () => {
  const { body } = subkeys[1]!.key
  const flags = subpacket(27, Uint8Array.of(0x0c))
  const long = encode([primaryKey(), ...identity(), ...encryptionSubkey(body)])
  const [key, newer] = encryptionSubkey(body, { hashed: [flags, keyLives(200 * 24 * 3600)], created: later })
  const merged = mergeCopies(mergeCopies(long, encode([primaryKey(), ...identity(), key, newer]))!, long)
  expect((await inspect(merged!)).expires).toBe(new Date(made.getTime() + 200 * 24 * 3600_000).toISOString())
})

describe('is not merged:', () => {
  const known = encode([primaryKey(), ...identity(), ...encryptionSubkey()])
  const stranger = ed25519Signer()
  test.each<[string, Uint8Array]>([
    ['another key', encode([primaryKey(stranger), ...identity('alice@bank.test', {}, stranger)])],
    ['nothing', new Uint8Array()],
    ['noise', utf8('content of another kind')],
    ['half a copy', known.slice(0, known.length - 5)],
    ['a private key', encode([{ tag: 5, body: owner.body }])],
    ['two certificates', encode([primaryKey(), ...identity(), primaryKey(stranger)])],
    [
      'more signatures than a certificate has',
      encode([
        primaryKey(),
        ...Array.from({ length: 70 }, (_, i) => onPrimary({ unhashed: [subpacket(100, Uint8Array.of(i))] })),
      ]),
    ],
  ])('%s', (_name, other) => {
    expect(mergeCopies(known, other)).toBeUndefined()
  })

  test('what only together is too much', () => {
    const many = (from: number) =>
      encode([
        primaryKey(),
        ...Array.from({ length: 40 }, (_, i) =>
          onPrimary({ unhashed: [subpacket(100, Uint8Array.of(from + i))] }),
        ),
      ])
    expect(mergeCopies(many(0), many(0))).toBeDefined()
    expect(mergeCopies(many(0), many(100))).toBeUndefined()
  })

  test('a certification by somebody else, which anyone could add without end', () => {
    const [key, own] = identity()
    const foreign = signature(stranger, owner.body, user(key.body), { type: 0x10 })
    const merged = mergeCopies(known, encode([primaryKey(), key, own, foreign]))
    expect(holds(merged, foreign)).toBe(false)
    expect(holds(merged, own)).toBe(true)
  })
})
