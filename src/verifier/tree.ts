import { rootOfHashes, tileWidth } from '../tlog/index.ts'
import { GrowingTree } from './growing-tree.ts'
import { type EventLine, eventLines } from './reading/event-lines.ts'
import type { SignedHead } from './reading/notes.ts'
import { StoredTiles } from './reading/stored-tiles.ts'
import type { Find } from './report.ts'

export interface TreeWork {
  readonly directory: string
  /** The tree that the directory says it is of. */
  readonly head: SignedHead
  readonly find: Find
  /** Is told of each event, by growing leaf, whether it belongs there. */
  readonly onEvent: (leaf: number, belongs: boolean) => void
  /** Is told the tree at each size from 1 on. */
  readonly onLeaf: (tree: GrowingTree) => void
}

/**
 * Recomputes each leaf from its line, each tile from the leaves, and gives the root; undefined when it could not go on for lack of
 * hashes, which is then a finding.
 */
export function verifyTree({ directory, head, find, onEvent, onLeaf }: TreeWork): Buffer | undefined {
  const tree = new GrowingTree()
  const tiles = new StoredTiles(directory, head.size, find)
  const rows = new Rows(tiles, find)
  const lines = eventLines(directory, head.size, find)
  let line = lines.next()

  for (let first = 0; first < head.size; first += tileWidth) {
    const events: EventLine[] = []
    for (; !line.done && line.value.leaf < first + tileWidth; line = lines.next()) events.push(line.value)
    const hashes = leavesOf(first, events)
    for (const { leaf, hash } of events) onEvent(leaf, hashes?.[leaf - first]?.equals(hash) === true)
    if (hashes === undefined) {
      for (; !line.done; line = lines.next()) onEvent(line.value.leaf, false)
      return undefined
    }
    for (const hash of hashes) {
      tree.append(hash, (height, subtree) => {
        if (height % 8 === 0) rows.add(height / 8, subtree)
      })
      onLeaf(tree)
    }
  }
  // What comes after the last leaf is out of place, and told.
  while (!line.done) line = lines.next()
  rows.end()
  return tree.root()

  /** By the tile and by the lines. Where these differ, the tree above tells which of them was altered. */
  function leavesOf(first: number, events: readonly EventLine[]): readonly Buffer[] | undefined {
    const tile = tiles.tile(0, first / tileWidth)
    const stored = tiles.read(tile)
    const byLines = events.length === tile.width ? events.map(({ hash }) => hash) : undefined
    if (stored === undefined) return byLines
    const altered = events.filter(({ leaf, hash }) => !stored[leaf - first]?.equals(hash))
    if (altered.length > 0 && byLines !== undefined && fits(first, byLines) && !fits(first, stored)) {
      for (const { leaf } of altered) find('tile_wrong', tiles.where(tile), leaf)
      return byLines
    }
    for (const { leaf, where } of altered) find('event_altered', where, leaf)
    return stored
  }

  /** Of a full tile: whether it is what the tile above says. Of the last: whether it makes the root that was signed. */
  function fits(first: number, hashes: readonly Buffer[]): boolean {
    if (hashes.length === tileWidth)
      return tiles.hash(1, first / tileWidth)?.equals(rootOfHashes(hashes)) ?? false
    const whole = new GrowingTree(tree)
    for (const hash of hashes) whole.append(hash)
    return whole.root().equals(head.root)
  }
}

/** What the tiles above level 0 must hold: the roots of the full tiles below. */
class Rows {
  readonly #rows: { index: number; hashes: Buffer[] }[] = []
  readonly #tiles: StoredTiles
  readonly #find: Find

  constructor(tiles: StoredTiles, find: Find) {
    this.#tiles = tiles
    this.#find = find
  }

  add(level: number, hash: Buffer): void {
    const row = (this.#rows[level] ??= { index: 0, hashes: [] })
    row.hashes.push(hash)
    if (row.hashes.length < tileWidth) return
    this.#compare(level, row.index, row.hashes)
    this.#rows[level] = { index: row.index + 1, hashes: [] }
  }

  /** Compares what has not filled a tile. */
  end(): void {
    this.#rows.forEach(({ index, hashes }, level) => {
      if (hashes.length > 0) this.#compare(level, index, hashes)
    })
  }

  #compare(level: number, index: number, computed: readonly Buffer[]): void {
    const tile = this.#tiles.tile(level, index)
    const leaves = tileWidth ** level
    this.#tiles.read(tile)?.forEach((hash, at) => {
      const first = (index * tileWidth + at) * leaves
      if (!computed[at]?.equals(hash))
        this.#find('tile_wrong', this.#tiles.where(tile), first, first + leaves)
    })
  }
}
