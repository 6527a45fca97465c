import type { Knex } from 'knex'
import { findLeaves, type Wanted } from '../../audit-log/index.ts'

/** How many leaves, and how many blocks of the index, are looked at for a page, at most. */
const [mostLeaves, mostBlocks] = [2048, 32_768]
const [firstPiece, largestPiece] = [64, 512]

/**
 * Looks at the leaves that are about what is wanted, the last first and at most 512 at a time, until `take` has enough.
 * Gives the leaf below which to go on; undefined when there is nothing more. It gives up after so much work, however little was found.
 *
 * @param take gives the last leaf that is on the page when the page is full
 */
export async function walkLeaves(
  knex: Knex,
  wanted: Wanted,
  before: number | undefined,
  take: (leaves: readonly number[]) => Promise<number | undefined>,
): Promise<number | undefined> {
  let [leaves, blocks, piece] = [0, 0, firstPiece]
  for await (const found of findLeaves(knex, wanted, before)) {
    for (let i = 0; i < found.leaves.length; ) {
      const some = found.leaves.slice(i, i + piece)
      i += piece
      piece = Math.min(piece * 2, largestPiece)
      const full = await take(some)
      if (full !== undefined) return full
      leaves += some.length
      const last = some.at(-1)
      if (leaves >= mostLeaves && last !== undefined) return last
    }
    blocks += found.blocks
    if (blocks >= mostBlocks && found.searchedTo > 0) return found.searchedTo
  }
  return undefined
}
