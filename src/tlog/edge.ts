import { tileWidth } from './tiles.ts'
import { rootOfHashes } from './tree.ts'

/**
 * The right edge of a tree: at each level the hashes of its partial tile (C2SP tlog-tiles), from level 0 up; fewer than 256 of each,
 * none where the last tile is full. Root and growth need nothing else of a tree.
 */
export type Edge = readonly (readonly Uint8Array[])[]

/** A tile that has become full. */
export interface FullTile {
  readonly level: number
  readonly index: number
  /** All 256, one after the other. */
  readonly hashes: Buffer
  /** Of the tile's subtree: its hash in the level above. */
  readonly root: Buffer
}

/** The root of the tree. What is incomplete below is the last and smallest node of the level above: RFC 6962 section 2.1. */
export function rootOfEdge(edge: Edge): Buffer {
  let below: readonly Uint8Array[] = []
  for (const hashes of edge) {
    const row = [...hashes, ...below]
    below = row.length === 0 ? [] : [rootOfHashes(row)]
  }
  return rootOfHashes(below)
}

/** The edge after these leaves came to a tree of `size` leaves, and the tiles that became full, the lower levels first. */
export function growEdge(
  edge: Edge,
  size: number,
  leaves: readonly Uint8Array[],
): { readonly edge: Edge; readonly full: readonly FullTile[] } {
  const grown: (readonly Uint8Array[])[] = []
  const full: FullTile[] = []
  let added = leaves
  for (let level = 0; level < edge.length || added.length > 0; level += 1) {
    const row = [...(edge[level] ?? []), ...added]
    const tiles = Math.floor(row.length / tileWidth)
    const first = Math.floor(size / tileWidth ** (level + 1))
    const made = Array.from({ length: tiles }, (_, at) =>
      fullTile(level, first + at, row.slice(at * tileWidth, (at + 1) * tileWidth)),
    )
    full.push(...made)
    grown.push(row.slice(tiles * tileWidth))
    added = made.map(({ root }) => root)
  }
  return { edge: grown, full }
}

function fullTile(level: number, index: number, hashes: readonly Uint8Array[]): FullTile {
  return { level, index, hashes: Buffer.concat(hashes), root: rootOfHashes(hashes) }
}
