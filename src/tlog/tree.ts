import { assertRange } from './error.ts'
import { emptyRoot, nodeHash } from './hash.ts'

/**
 * Gives the hash of a complete subtree: of the leaves from `index * 2^height` up to but not including
 * `(index + 1) * 2^height`. With it, every root and proof of RFC 6962 can be computed.
 */
export type ReadHash = (height: number, index: number) => Promise<Uint8Array>

/** The root of the tree of these hashes, MTH of RFC 6962 section 2.1; they are of leaves, or of complete subtrees of one height. */
export function rootOfHashes(hashes: readonly Uint8Array[]): Buffer {
  let row = hashes
  while (row.length > 1) {
    const above: Uint8Array[] = []
    for (let at = 0; at < row.length; at += 2) above.push(join(row[at], row[at + 1]))
    row = above
  }
  return row[0] === undefined ? emptyRoot() : Buffer.from(row[0])
}

/** The last of an odd row goes up as it is: that is what splitting at the largest power of two comes to. */
function join(left: Uint8Array | undefined, right: Uint8Array | undefined): Uint8Array {
  if (left === undefined) return emptyRoot()
  return right === undefined ? left : nodeHash(left, right)
}

/** The root of the tree of the first `size` leaves. */
export async function rootOfTree(size: number, read: ReadHash): Promise<Buffer> {
  assertRange(Number.isSafeInteger(size) && size >= 0, 'size')
  return size === 0 ? emptyRoot() : Buffer.from(await rootOfRange(0, size, read))
}

/** MTH(D[first:next]) of RFC 6962 section 2.1, where `first` is a multiple of a power of two that is not below `next - first`. */
export async function rootOfRange(first: number, next: number, read: ReadHash): Promise<Uint8Array> {
  const count = next - first
  const half = split(count)
  if (count === 1 || half * 2 === count) return read(Math.round(Math.log2(count)), first / count)
  return nodeHash(await rootOfRange(first, first + half, read), await rootOfRange(first + half, next, read))
}

/** The largest power of two below `count`, k of RFC 6962 section 2.1; 0 of one. */
export function split(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return count > 1 ? power : 0
}
