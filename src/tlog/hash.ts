import { hash } from 'node:crypto'

/** Octets of a SHA-256. */
export const hashLength = 32

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

/** Of a leaf's data: SHA-256(0x00 || data), RFC 6962 section 2.1. A string counts as its UTF-8. */
export function leafHash(data: Uint8Array | string): Buffer {
  const octets = typeof data === 'string' ? Buffer.from(data) : data
  return hash('sha256', Buffer.concat([leafPrefix, octets]), 'buffer')
}

/** Of two subtrees: SHA-256(0x01 || left || right), RFC 6962 section 2.1. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([nodePrefix, left, right]), 'buffer')
}

/** Of the tree without leaves: the hash of nothing, RFC 6962 section 2.1. */
export function emptyRoot(): Buffer {
  return hash('sha256', '', 'buffer')
}

/** What stands one after the other, as in a tile. What is left over at the end is not among them. */
export function hashesOf(octets: Uint8Array): Uint8Array[] {
  const count = Math.floor(octets.length / hashLength)
  return Array.from({ length: count }, (_, at) => octets.subarray(at * hashLength, (at + 1) * hashLength))
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === hashLength && Buffer.compare(a, b) === 0
}
