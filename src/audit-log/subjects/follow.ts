import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { build } from './build.ts'
import { blockSize } from './places.ts'
import { extentOf, insertBlock, insertPostings, lockCursor, moveCursor, type Posting } from './store.ts'

interface IndexingDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds between two looks at the log. */
  readonly every?: number
}

export interface Indexing {
  /** Takes what whole blocks there are into the index; gives how many. None while another replica is at it. */
  pass(): Promise<number>
  /** Resolves when nothing is under way. */
  stop(): Promise<void>
}

/** So many blocks share a transaction. A replica that is stopped meanwhile loses no more than these. */
const mostBlocks = 16

/**
 * Follows the log and notes what each leaf is about, so that auditors find it. Only whole blocks are noted; what is right of
 * them is read when somebody searches. Any number of replicas may follow; one at a time does. It reads what is committed
 * and locks nothing that an acceptance or a delivery needs.
 */
export function openIndexing({ knex, clock, log, every = 1_000 }: IndexingDependencies): Indexing {
  const lifetime = new AbortController()

  const pass = async (): Promise<number> => {
    const { size, indexed } = await extentOf(knex)
    if (size - indexed < blockSize) return 0
    return knex.transaction(async trx => {
      const next = await lockCursor(trx, clock.now())
      if (next === undefined) return 0
      const blocks = Math.min(Math.floor((size - next) / blockSize), mostBlocks)
      const known = new Map<string, number>()
      const built: Posting[] = []
      for (let block = next / blockSize; block < next / blockSize + blocks; block++) {
        const { postings, first, last } = await build(trx, block * blockSize, (block + 1) * blockSize, {
          known,
        })
        for (const posting of postings) built.push(posting)
        await insertBlock(trx, { block, first, last })
      }
      // In the order of the index, whose pages are then visited one after the other; and so that what is frequent lies together.
      built.sort((a, b) => (a.subject === b.subject ? a.block - b.block : a.subject < b.subject ? -1 : 1))
      for (let i = 0; i < built.length; i += 4096) await insertPostings(trx, built.slice(i, i + 4096))
      // A crash here leaves the cursor, the postings and the blocks as they were.
      if (blocks > 0) await moveCursor(trx, next + blocks * blockSize, clock.now())
      return Math.max(blocks, 0)
    })
  }

  const follow = async (): Promise<void> => {
    while (!lifetime.signal.aborted) {
      const blocks = await pass().catch((error: unknown) => {
        log.error('audit-indexing-failed', error)
        return 0
      })
      if (blocks < mostBlocks) await sleep(every, undefined, lifetime).catch(() => undefined)
    }
  }
  const running = follow()
  return {
    pass,
    stop: async () => {
      lifetime.abort()
      await running
    },
  }
}
