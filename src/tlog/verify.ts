import { hashLength, nodeHash, sameHash } from './hash.ts'

export interface Inclusion {
  /** Of the leaf (`leafHash`). */
  readonly hash: Uint8Array
  readonly leaf: number
  readonly size: number
  readonly proof: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** Whether the proof shows that the leaf is in the tree with this root: RFC 9162 section 2.1.3.2. Never throws. */
export function verifyInclusion({ hash, leaf, size, proof, root }: Inclusion): boolean {
  if (!isCount(leaf) || !isCount(size) || leaf >= size || !areHashes([hash, root, ...proof])) return false
  let [node, last, reached] = [leaf, size - 1, hash]
  for (const sibling of proof) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      reached = nodeHash(sibling, reached)
      ;[node, last] = upToOdd(node, last)
    } else {
      reached = nodeHash(reached, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && sameHash(reached, root)
}

export interface Consistency {
  readonly from: number
  readonly fromRoot: Uint8Array
  readonly to: number
  readonly toRoot: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/**
 * Whether the proof shows that the newer tree has the older as its beginning: RFC 9162 section 2.1.4.2. Nothing (`from` 0)
 * is the beginning of every tree, if its root is that of nothing is not asked. Never throws.
 */
export function verifyConsistency({ from, fromRoot, to, toRoot, proof }: Consistency): boolean {
  if (!isCount(from) || !isCount(to) || from > to || !areHashes([fromRoot, toRoot, ...proof])) return false
  if (from === to) return proof.length === 0 && sameHash(fromRoot, toRoot)
  if (from === 0) return proof.length === 0
  const [first, ...rest] = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof
  if (first === undefined || rest.length === 0) return false
  let [node, last] = downToEven(from - 1, to - 1)
  let [older, newer] = [first, first]
  for (const sibling of rest) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      older = nodeHash(sibling, older)
      newer = nodeHash(sibling, newer)
      ;[node, last] = upToOdd(node, last)
    } else {
      newer = nodeHash(newer, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && sameHash(older, fromRoot) && sameHash(newer, toRoot)
}

/** A last node without sibling goes up as it is, until it is a right child. */
function upToOdd(node: number, last: number): [number, number] {
  let pair: [number, number] = [node, last]
  while (!isOdd(pair[0]) && pair[0] !== 0) pair = [half(pair[0]), half(pair[1])]
  return pair
}

function downToEven(node: number, last: number): [number, number] {
  let pair: [number, number] = [node, last]
  while (isOdd(pair[0])) pair = [half(pair[0]), half(pair[1])]
  return pair
}

const half = (value: number) => Math.floor(value / 2)
const isOdd = (value: number) => value % 2 === 1
const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0
const isPowerOfTwo = (value: number) => Number.isInteger(Math.log2(value))

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every(value => value.length === hashLength)
}
