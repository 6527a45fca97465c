import type { Knex } from 'knex'
import {
  hashLength,
  keepTiles,
  proveConsistency,
  proveInclusion,
  type ReadHash,
  readHashesFromTiles,
  TlogError,
  tileWidth,
  widthInTree,
} from '../tlog/index.ts'
import { hashesOfFullTile, hashesOfLeaves, rootsOfTiles } from './store.ts'

/** That the leaf is in the tree of `size` leaves (RFC 6962 section 2.1.1). Throws a `TlogError` when it is not, or the log never had such a tree. */
export function inclusionProof(knex: Knex, leaf: number, size: number): Promise<Buffer[]> {
  return proveInclusion(leaf, size, readHashes(knex, size))
}

/** That the tree of `to` leaves only adds to that of `from` leaves (RFC 6962 section 2.1.2). Throws a `TlogError` for sizes the log never had. */
export function consistencyProof(knex: Knex, from: number, to: number): Promise<Buffer[]> {
  return proveConsistency(from, to, readHashes(knex, to))
}

/**
 * The hashes of a tile as it is in the tree of `size` leaves: `width * 32` octets, of the tile that C2SP tlog-tiles calls
 * `tile/<level>/<index>[.p/<width>]`. Throws a `TlogError` when that tree has no such tile, or the log has come less far.
 */
export async function readTile(
  knex: Knex,
  level: number,
  index: number,
  width: number,
  size: number,
): Promise<Buffer> {
  if (width < 1 || width !== widthInTree(level, index, size)) throw missing()
  const full = await hashesOfFullTile(knex, level, index, width)
  if (full !== undefined) return full
  const first = index * tileWidth
  const hashes =
    level === 0 ? await hashesOfLeaves(knex, first, width) : await rootsOfTiles(knex, level - 1, first, width)
  if (width === tileWidth || hashes.length !== width * hashLength) throw missing()
  return hashes
}

function readHashes(knex: Knex, size: number): ReadHash {
  return readHashesFromTiles(
    size,
    keepTiles(({ level, index, width }) => readTile(knex, level, index, width, size)),
  )
}

function missing(): TlogError {
  return new TlogError('out_of_range', 'a tile of this log')
}
