import fc from 'fast-check'
import { beforeAll, expect, test, vi } from 'vitest'
import type { CertificateVerdict } from '../../../src/sealer/host/index.ts'
import { encryptionSubkey, identity, inspect, onPrimary, owner, primaryKey } from './certificates.ts'
import { curve25519Body, encode, forHash, made, type Part, signature } from './packets.ts'

vi.setConfig({ testTimeout: 60_000 })

/** Old and new subkey, direct signature, two user IDs: something of everything that can be cut or moved. */
const parts: readonly Part[] = [
  primaryKey(),
  onPrimary({}),
  ...identity(),
  ...identity('a@home.test'),
  ...encryptionSubkey(curve25519Body(new Date(made.getTime() - 1000)), {}),
  ...encryptionSubkey(),
]
const newest = parts[8] as Part
const file = encode(parts)
let original: CertificateVerdict

beforeAll(async () => {
  original = await inspect(file)
  expect(original.verdict).toBe('accept')
})

/** Never a crash, never slow, and if accepted then with the same two keys, nothing more in time or format. */
async function holds(bytes: Uint8Array, subkeys: readonly (string | null)[]): Promise<void> {
  const start = performance.now()
  const verdict = await inspect(bytes)
  expect(performance.now() - start).toBeLessThan(1000)
  if (verdict.verdict === 'reject') expect(verdict.reasons).not.toHaveLength(0)
  else {
    expect(subkeys).toContain(verdict.encryptionSubkey)
    expect(verdict).toMatchObject({ fingerprint: original.fingerprint, format: 'seipdv1' })
    expect(Date.parse(verdict.expires ?? '')).toBeLessThanOrEqual(Date.parse(original.expires ?? ''))
  }
}

test('a flipped bit never changes what is pinned', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(file.length - 1), fc.nat(7), async (at, bit) => {
      const bytes = file.slice()
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      await holds(bytes, [original.encryptionSubkey])
    }),
    { numRuns: 1500 },
  )
})

test('a packet removed, doubled, moved or cut never pins a key that its owner did not bind', async () => {
  // Removing the newest subkey and its binding leaves an older copy of the certificate, and that is sound.
  const own = [original.encryptionSubkey, (await inspect(encode(parts.slice(0, 8)))).encryptionSubkey]
  const index = fc.nat(parts.length - 1)
  const edit = fc.tuple(fc.constantFrom('remove', 'double', 'move', 'cut'), index, index)
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async edits => {
      const edited = [...parts]
      for (const [kind, from, to] of edits) {
        const part = edited[from]
        if (part === undefined) continue
        if (kind !== 'double') edited.splice(from, 1)
        if (kind !== 'remove')
          edited.splice(to, 0, kind === 'cut' ? { ...part, body: part.body.slice(0, to * 7) } : part)
      }
      await holds(encode(edited), own)
    }),
    { numRuns: 400 },
  )
})

test('random packets put in never get accepted with another key', async () => {
  const packet = fc.record({ tag: fc.nat(63), body: fc.uint8Array({ maxLength: 200 }) })
  await fc.assert(
    fc.asyncProperty(packet, fc.nat(parts.length), async (extra, at) => {
      await holds(encode(parts.toSpliced(at, 0, extra)), [original.encryptionSubkey])
    }),
    { numRuns: 300 },
  )
})

test('random octets are refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async bytes => {
      expect((await inspect(bytes)).verdict).toBe('reject')
    }),
    { numRuns: 300 },
  )
})

test('with a revocation anywhere, no edit of any other packet gets the certificate accepted', async () => {
  const revocation = signature(owner, owner.body, forHash(newest.body), { type: 0x28 })
  const revoked = [...parts, revocation]
  await fc.assert(
    fc.asyncProperty(fc.nat(file.length - 1), fc.nat(7), async (at, bit) => {
      const bytes = encode(revoked)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      expect((await inspect(bytes)).verdict).toBe('reject')
    }),
    { numRuns: 500 },
  )
})

test.each([
  [
    '62 self-signatures on one user ID',
    () => [
      primaryKey(),
      ...identity(),
      ...many(61, i => identity('alice@bank.test', { created: new Date(made.getTime() + i * 1000) })[1]),
      ...encryptionSubkey(),
    ],
  ],
  ['61 subkeys', () => [primaryKey(), ...identity(), ...many(61, () => encryptionSubkey()).flat()]],
])('%s are judged within a second', async (_, make) => {
  const start = performance.now()
  expect(await inspect(encode(make()))).toMatchObject({ verdict: 'accept' })
  expect(performance.now() - start).toBeLessThan(1000)
})

function many<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
