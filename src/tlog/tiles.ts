import { assertRange, TlogError } from './error.ts'
import { hashesOf, hashLength } from './hash.ts'
import { type ReadHash, rootOfHashes } from './tree.ts'

/** Hashes in a full tile, C2SP tlog-tiles, "Merkle Tree". */
export const tileWidth = 256
/** A tile stands for a subtree of this height. */
const tileHeight = 8

/**
 * Which hashes: at level 0 of the leaves from `index * 256` on, above of the full tiles of the level below.
 * `width` is how many, 1 to 256; fewer than 256 is a partial tile.
 */
export interface Tile {
  readonly level: number
  readonly index: number
  readonly width: number
}

/** Gives the hashes of a tile, one after the other: `width * 32` octets. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array>

/** Where a tile lies below the log's prefix: `tile/<L>/<N>[.p/<W>]`, C2SP tlog-tiles, "Merkle Tree". */
export function tilePath({ level, index, width }: Tile): string {
  const isTile = [level, index, width].every(Number.isSafeInteger)
  assertRange(isTile && level >= 0 && level < 64 && index >= 0 && width > 0 && width <= tileWidth, 'a tile')
  const partial = width === tileWidth ? '' : `.p/${width}`
  return `tile/${level}/${indexPath(index)}${partial}`
}

/** 1234067 is `x001/x234/067`. */
function indexPath(index: number): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
}

/** How many hashes a level has in a tree of `size` leaves: of leaves, or of full tiles below. */
export function hashesAtLevel(level: number, size: number): number {
  return Math.floor(size / tileWidth ** level)
}

/** The width that a tile has in a tree of `size` leaves; 0 when there is no such tile. */
export function widthInTree(level: number, index: number, size: number): number {
  return Math.min(tileWidth, Math.max(0, hashesAtLevel(level, size) - index * tileWidth))
}

/**
 * The tiles that a tree of `size` leaves has and a tree of `from` leaves has not, as they are in the former, level by
 * level: all of them unless `from` is given.
 */
export function* tilesOf(size: number, from = 0): Generator<Tile> {
  for (let level = 0; hashesAtLevel(level, size) > 0; level += 1) {
    const [before, now] = [hashesAtLevel(level, from), hashesAtLevel(level, size)]
    if (now === before) continue
    for (let index = Math.floor(before / tileWidth); index * tileWidth < now; index += 1)
      yield { level, index, width: widthInTree(level, index, size) }
  }
}

/**
 * Reads hashes of the tree of `size` leaves from its tiles. A tile is read again for each hash; who reads from afar keeps
 * them. Throws `tile_malformed`, and what `readTile` throws.
 */
export function readHashesFromTiles(size: number, readTile: ReadTile): ReadHash {
  return async (height, index) => {
    const level = Math.floor(height / tileHeight)
    const count = 2 ** (height % tileHeight)
    const first = index * count
    const tile = Math.floor(first / tileWidth)
    const width = widthInTree(level, tile, size)
    const offset = first - tile * tileWidth
    assertRange(offset + count <= width, 'a hash of the tree')
    const octets = await readTile({ level, index: tile, width })
    if (octets.length !== width * hashLength) throw new TlogError('tile_malformed', 'its length')
    const hashes = hashesOf(octets)
    return rootOfHashes(hashes.slice(offset, offset + count))
  }
}

/** Reads each tile once; for one tree, since a partial tile is another one when the tree has grown. */
export function keepTiles(readTile: ReadTile): ReadTile {
  const kept = new Map<string, Promise<Uint8Array>>()
  return tile => {
    const path = tilePath(tile)
    const reading = kept.get(path) ?? readTile(tile)
    kept.set(path, reading)
    return reading
  }
}
