import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Consistency,
  type Inclusion,
  leafHash,
  proveConsistency,
  proveInclusion,
  type ReadHash,
  rootOfHashes,
  rootOfTree,
  verifyConsistency,
  verifyInclusion,
} from '../../src/tlog/index.ts'
import argon from './argon2020.json' with { type: 'json' }
import { naivePath, naiveProof, naiveRoot } from './naive.ts'
import { consistencies, inclusions, leaves, roots } from './published.ts'

const hashes = leaves.map(leafHash)
const readFrom =
  (of: readonly Buffer[]): ReadHash =>
  (height, index) =>
    Promise.resolve(naiveRoot(of.slice(index * 2 ** height, (index + 1) * 2 ** height)))
const decoded = (lines: readonly string[]): Buffer[] => lines.map(line => Buffer.from(line, 'base64'))
const root = (size: number): Buffer => roots[size - 1] ?? rootOfHashes([])

describe('the published tree of eight leaves', () => {
  test('has the published roots', async () => {
    for (const size of roots.keys()) {
      expect(rootOfHashes(hashes.slice(0, size + 1))).toEqual(roots[size])
      expect(await rootOfTree(size + 1, readFrom(hashes))).toEqual(roots[size])
    }
    expect(rootOfHashes([]).toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
  })

  test.each(inclusions)('proves leaf %i of %i as published', async (leaf, size, proof) => {
    expect(await proveInclusion(leaf, size, readFrom(hashes))).toEqual(proof)
    const hash = hashes[leaf] ?? Buffer.alloc(0)
    expect(verifyInclusion({ hash, leaf, size, proof, root: root(size) })).toBe(true)
  })

  test.each(consistencies)('proves that %i leaves begin %i leaves as published', async (from, to, proof) => {
    expect(await proveConsistency(from, to, readFrom(hashes))).toEqual(proof)
    expect(verifyConsistency({ from, fromRoot: root(from), to, toRoot: root(to), proof })).toBe(true)
  })
})

test('proofs of a log of certificates with 961,984,013 leaves verify', () => {
  const toRoot = Buffer.from(argon.root, 'base64')
  const hash = leafHash(Buffer.from(argon.data, 'base64'))
  const inclusion = {
    hash,
    leaf: argon.leaf,
    size: argon.size,
    proof: decoded(argon.inclusion),
    root: toRoot,
  }
  expect(verifyInclusion(inclusion)).toBe(true)
  expect(verifyInclusion({ ...inclusion, leaf: argon.leaf + 1 })).toBe(false)
  const consistency = {
    from: argon.from,
    fromRoot: Buffer.from(argon.fromRoot, 'base64'),
    to: argon.size,
    toRoot,
    proof: decoded(argon.consistency),
  }
  expect(verifyConsistency(consistency)).toBe(true)
  expect(verifyConsistency({ ...consistency, from: argon.from + 1 })).toBe(false)
})

const many = Array.from({ length: 600 }, (_, at) => leafHash(String(at)))
const tree = fc.integer({ min: 1, max: many.length })

test('roots and proofs are those of a word-by-word implementation', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.nat(), fc.nat(), async (size, anyLeaf, anyFrom) => {
      const of = many.slice(0, size)
      const [leaf, from] = [anyLeaf % size, (anyFrom % size) + 1]
      expect(rootOfHashes(of)).toEqual(naiveRoot(of))
      expect(await proveInclusion(leaf, size, readFrom(of))).toEqual(naivePath(leaf, of))
      expect(await proveConsistency(from, size, readFrom(of))).toEqual(naiveProof(from, of))
    }),
    { numRuns: 30 },
  )
})

test('every proof verifies, and none of another leaf, size, root or with another hash', () => {
  fc.assert(
    fc.property(tree, fc.nat(), fc.nat(), (size, anyLeaf, anyOther) => {
      const of = many.slice(0, size)
      const leaf = anyLeaf % size
      const other = (leaf + 1 + (anyOther % (many.length - 1))) % many.length
      const good: Inclusion = {
        hash: hashAt(leaf),
        leaf,
        size,
        proof: naivePath(leaf, of),
        root: naiveRoot(of),
      }
      const wrong: Inclusion[] = [
        { ...good, leaf: other },
        { ...good, size: size * 2 },
        { ...good, hash: hashAt(other) },
        { ...good, root: hashAt(other) },
        { ...good, hash: good.hash.subarray(1) },
        ...spoiled(good.proof).map(proof => ({ ...good, proof })),
      ]
      expect(verifyInclusion(good)).toBe(true)
      expect(wrong.map(verifyInclusion)).not.toContain(true)
    }),
    { numRuns: 80 },
  )
})

test('every proof of consistency verifies, and none of other sizes, other roots or with another hash', () => {
  fc.assert(
    fc.property(tree, fc.nat(), (to, anyFrom) => {
      const from = (anyFrom % to) + 1
      const [older, newer] = [many.slice(0, from), many.slice(0, to)]
      const good: Consistency = {
        from,
        fromRoot: naiveRoot(older),
        to,
        toRoot: naiveRoot(newer),
        proof: naiveProof(from, newer),
      }
      const forked = naiveRoot([...older.slice(1), hashAt(599)])
      const wrong: Consistency[] = [
        { ...good, fromRoot: forked },
        { ...good, toRoot: forked },
        { ...good, from: to + 1 },
        { ...good, from: -1 },
        { ...good, to: to + 0.5 },
        ...(from === to ? [] : [{ ...good, to: to * 2 }]),
        ...(from === to
          ? []
          : [
              { ...good, from: from + 1 },
              { ...good, fromRoot: good.toRoot, toRoot: good.fromRoot },
            ]),
        ...spoiled(good.proof).map(proof => ({ ...good, proof })),
      ]
      expect(verifyConsistency(good)).toBe(true)
      expect(wrong.map(verifyConsistency)).not.toContain(true)
    }),
    { numRuns: 80 },
  )
})

test('a proof in a larger tree is none in a smaller one', () => {
  const sixteen = many.slice(0, 16)
  const larger = {
    hash: hashAt(8),
    leaf: 8,
    size: 16,
    proof: naivePath(8, sixteen),
    root: naiveRoot(sixteen),
  }
  expect(verifyInclusion(larger)).toBe(true)
  expect(verifyInclusion({ ...larger, leaf: 0, size: 8 })).toBe(false)
})

test('a tree is consistent with itself and with nothing, by an empty proof only', () => {
  const [fromRoot, toRoot] = [root(0), root(3)]
  expect(verifyConsistency({ from: 0, fromRoot, to: 3, toRoot, proof: [] })).toBe(true)
  expect(verifyConsistency({ from: 0, fromRoot, to: 3, toRoot, proof: [toRoot] })).toBe(false)
  expect(verifyConsistency({ from: 3, fromRoot: toRoot, to: 3, toRoot, proof: [] })).toBe(true)
  expect(verifyConsistency({ from: 3, fromRoot: toRoot, to: 3, toRoot, proof: [toRoot] })).toBe(false)
})

test('what is not in the tree cannot be proved', async () => {
  for (const [leaf, size] of [
    [8, 8],
    [-1, 8],
    [0.5, 8],
    [0, 0],
    [0, 2 ** 53],
  ] as const)
    await expect(proveInclusion(leaf, size, readFrom(hashes))).rejects.toMatchObject({ code: 'out_of_range' })
  await expect(proveConsistency(9, 8, readFrom(hashes))).rejects.toMatchObject({ code: 'out_of_range' })
})

function hashAt(leaf: number): Buffer {
  return many[leaf] ?? Buffer.alloc(0)
}

/** Longer, shorter, and with one bit turned in each hash. */
function spoiled(proof: readonly Uint8Array[]): Uint8Array[][] {
  const turned = proof.map((hash, at) => proof.with(at, Buffer.from(hash).fill((hash[7] ?? 0) ^ 8, 7, 8)))
  const shorter = proof.length === 0 ? [] : [proof.slice(1), proof.slice(0, -1)]
  const longer = [
    [...proof, hashAt(0)],
    [hashAt(0), ...proof],
    [...proof, Buffer.alloc(0)],
  ]
  return [...turned, ...shorter, ...longer]
}
