import { join } from 'node:path'
import { hashLength, type Tile, tilePath, tileWidth, widthInTree } from '../../tlog/index.ts'
import type { Find } from '../report.ts'
import { readSmallFile } from './files.ts'

/** The tiles of a directory, of the tree of `size` leaves. */
export class StoredTiles {
  readonly #directory: string
  readonly #size: number
  readonly #find: Find

  constructor(directory: string, size: number, find: Find) {
    this.#directory = directory
    this.#size = size
    this.#find = find
  }

  tile(level: number, index: number): Tile {
    return { level, index, width: widthInTree(level, index, this.#size) }
  }

  where(tile: Tile): string {
    return join(this.#directory, tilePath(tile))
  }

  /** The hashes of a tile; undefined, and a finding, when it is not there or not as long as it must be. */
  read(tile: Tile): readonly Buffer[] | undefined {
    const octets = this.#octets(tile)
    if (octets?.length === tile.width * hashLength)
      return Array.from({ length: tile.width }, (_, at) => hashAt(octets, at))
    const leaves = tileWidth ** tile.level
    const first = tile.index * tileWidth
    const code = octets === undefined ? 'tile_missing' : 'tile_malformed'
    this.#find(code, this.where(tile), first * leaves, (first + tile.width) * leaves)
    return undefined
  }

  /** One hash; no finding. */
  hash(level: number, index: number): Buffer | undefined {
    const octets = this.#octets(this.tile(level, Math.floor(index / tileWidth)))
    const hash = octets === undefined ? undefined : hashAt(octets, index % tileWidth)
    return hash?.length === hashLength ? hash : undefined
  }

  #octets(tile: Tile): Buffer | undefined {
    // One more, so that a longer file shows.
    return readSmallFile(this.where(tile), tileWidth * hashLength + 1)
  }
}

function hashAt(octets: Buffer, at: number): Buffer {
  return octets.subarray(at * hashLength, (at + 1) * hashLength)
}
