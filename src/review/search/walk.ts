import type { Knex } from 'knex'
import { findLeaves, type Wanted } from '../../audit-log/index.ts'

/** How many leaves are looked at for a page, at most, and after how many milliseconds no more are begun with. */
const [mostLeaves, longest] = [2048, 60]
const [firstPiece, largestPiece] = [128, 512]

/**
 * Looks at the leaves that are about what is wanted, the last first and at most 512 at a time, until `take` has enough.
 * Gives the leaf below which to go on; undefined when there is nothing more. It gives up after so much time, however little was found.
 *
 * @param take gives the last leaf that is on the page when the page is full
 */
export async function walkLeaves(
  knex: Knex,
  wanted: Wanted,
  before: number | undefined,
  take: (leaves: readonly number[]) => Promise<number | undefined>,
): Promise<number | undefined> {
  const start = performance.now()
  const late = () => performance.now() - start > longest
  let [leaves, piece] = [0, firstPiece]
  for await (const found of findLeaves(knex, wanted, before)) {
    for (let i = 0; i < found.leaves.length; ) {
      const some = found.leaves.slice(i, i + piece)
      i += piece
      piece = Math.min(piece * 2, largestPiece)
      const full = await take(some)
      if (full !== undefined) return full
      leaves += some.length
      const last = some.at(-1)
      if ((leaves >= mostLeaves || late()) && last !== undefined) return last
    }
    // Not before there is progress: the next call would stop at the same place.
    const { searchedTo } = found
    if (late() && searchedTo > 0 && searchedTo < (before ?? Number.MAX_SAFE_INTEGER)) return searchedTo
  }
  return undefined
}
