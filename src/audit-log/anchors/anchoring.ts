import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Alarms } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { type Checkpoint, latestCheckpoint } from '../checkpoint.ts'
import { consistencyProof } from '../proofs.ts'
import { inTurn } from '../turns/store.ts'
import { type Anchor, AnchorAheadError, AnchorError } from './anchor.ts'
import { anchoredBy } from './receipts.ts'
import { isDue, type Outcome, recordOutcome, retireOthers } from './standing.ts'
import { type AnchorStanding, findStandings } from './store.ts'

export interface AnchoringDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly alarms: Alarms
  readonly anchors: readonly Anchor[]
  /** Milliseconds between two passes. */
  readonly every: number
  /** Milliseconds for one anchor. Default 20,000: a directory on a server that is gone would hold up the others for ever. */
  readonly patience?: number
}

export interface Anchoring {
  /** One pass now; for tests. Never rejects. */
  pass(): Promise<void>
  /** Waits for the pass under way. */
  stop(): Promise<void>
}

/**
 * Takes the newest checkpoint to every anchor that has not got it, at once and then in each interval, by whichever replica has its
 * turn. A replica takes its first one to all of them, whatever the database says they have: a database that was put back says
 * so too. What anchors did stands in the database, and every replica raises its alarms from there.
 */
export function openAnchoring(dependencies: AnchoringDependencies): Anchoring {
  const { knex, log, every } = dependencies
  const stopping = new AbortController()
  const seen = { size: 0 }
  const look = async (): Promise<void> => {
    try {
      await inTurn(knex, 'anchors', () => takeNewest(dependencies, seen))
      raiseAlarms(dependencies, await findStandings(knex))
    } catch (error) {
      log.error('anchoring-failed', error)
    }
  }
  // One at a time, also when a test asks for one.
  let under = Promise.resolve()
  const pass = (): Promise<void> => (under = under.then(look))
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pass()
      await sleep(every, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    pass,
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** @param seen of this replica: the largest size that it took anywhere */
async function takeNewest(dependencies: AnchoringDependencies, seen: { size: number }): Promise<void> {
  const { knex, clock, anchors, every } = dependencies
  const checkpoint = await latestCheckpoint(knex)
  if (checkpoint === undefined) return
  await retireOthers(knex, clock, anchors)
  const standings = await findStandings(knex)
  const has = new Set(await anchoredBy(knex, checkpoint.size))
  const isFirst = seen.size === 0
  const hasShrunk = checkpoint.size < seen.size
  const due = anchors.filter(({ name }) => {
    const standing = standings.find(({ anchor }) => anchor === name)
    const knows = !hasShrunk && standing?.state === 'well' && has.has(name)
    return isFirst || (!knows && isDue(standing, clock.now(), every))
  })
  const recorded = await Promise.allSettled(
    due.map(async anchor => {
      const outcome = await take(dependencies, anchor, checkpoint)
      // A crash here leaves a checkpoint that the anchor has and the database does not know of: the next pass takes it, or a
      // newer one, there again, which every anchor bears.
      await recordOutcome(knex, clock, { anchor: anchor.name, checkpoint, outcome })
    }),
  )
  const failed = recorded.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  seen.size = Math.max(seen.size, checkpoint.size)
}

async function take(
  { knex, log, patience = 20_000 }: AnchoringDependencies,
  anchor: Anchor,
  checkpoint: Checkpoint,
): Promise<Outcome> {
  try {
    const proofFrom = (size: number) => consistencyProof(knex, size, checkpoint.size)
    const receipt = await Promise.race([anchor.anchor(checkpoint, proofFrom), tooLate(patience)])
    return { state: 'well', receipt }
  } catch (error) {
    if (error instanceof AnchorAheadError) {
      log.error('anchor-ahead', error, { code: anchor.name, count: error.size })
      return { state: 'ahead', size: error.size }
    }
    const reason = error instanceof AnchorError ? error.reason : 'error'
    log.error('anchor-failed', error, { code: anchor.name, reason })
    return { state: 'failing', reason }
  }
}

async function tooLate(patience: number): Promise<never> {
  await sleep(patience, undefined, { ref: false })
  throw new AnchorError('timeout')
}

/** An anchor that failed once is no matter; one that failed for three intervals is. */
function raiseAlarms(
  { alarms, anchors, clock, every }: AnchoringDependencies,
  all: readonly AnchorStanding[],
) {
  const ours = all.filter(({ anchor }) => anchors.some(({ name }) => name === anchor))
  const tell = (holds: boolean, code: 'anchor_ahead' | 'anchor_unreachable') =>
    holds ? alarms.raise(code) : alarms.clear(code)
  const long = clock.now().getTime() - 3 * every
  tell(
    ours.some(({ state }) => state === 'ahead'),
    'anchor_ahead',
  )
  tell(
    ours.some(({ state, since }) => state === 'failing' && since.getTime() <= long),
    'anchor_unreachable',
  )
}
