import { assertRange } from './error.ts'
import { type ReadHash, rootOfRange, split } from './tree.ts'

/**
 * That a leaf is in the tree of `size` leaves: PATH(leaf, D[size]) of RFC 6962 section 2.1.1, from the leaf up. Throws
 * `out_of_range` when it is not, and what `read` throws.
 */
export async function proveInclusion(leaf: number, size: number, read: ReadHash): Promise<Buffer[]> {
  assertRange(isCount(size) && isCount(leaf) && leaf < size, 'a leaf of the tree')
  const path: Range[] = []
  let [first, next] = [0, size]
  while (next - first > 1) {
    const middle = first + split(next - first)
    if (leaf < middle) {
      path.push([middle, next])
      next = middle
    } else {
      path.push([first, middle])
      first = middle
    }
  }
  return rootsOf(path.reverse(), read)
}

/**
 * That the tree of `to` leaves only adds to the tree of `from` leaves: PROOF(from, D[to]) of RFC 6962 section 2.1.2. Empty
 * when one is the other, or `from` is 0: everything adds to nothing. Throws `out_of_range`, and what `read` throws.
 */
export async function proveConsistency(from: number, to: number, read: ReadHash): Promise<Buffer[]> {
  assertRange(isCount(from) && isCount(to) && from <= to, 'sizes of one log')
  if (from === 0 || from === to) return []
  const path: Range[] = []
  let [first, next] = [0, to]
  while (next !== from) {
    const middle = first + split(next - first)
    if (from <= middle) {
      path.push([middle, next])
      next = middle
    } else {
      path.push([first, middle])
      first = middle
    }
  }
  // Where the old tree is a complete subtree at the left, its root is known to who asks.
  if (first > 0) path.push([first, next])
  return rootsOf(path.reverse(), read)
}

/** Leaves from the first up to but not including the second. */
type Range = readonly [number, number]

/** One after the other: what reads may be a single connection. */
async function rootsOf(ranges: readonly Range[], read: ReadHash): Promise<Buffer[]> {
  const roots: Buffer[] = []
  for (const [first, next] of ranges) roots.push(Buffer.from(await rootOfRange(first, next, read)))
  return roots
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
