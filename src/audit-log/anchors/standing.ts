import type { Knex } from 'knex'
import { type AuditEvent, appendEvents } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Checkpoint } from '../checkpoint.ts'
import type { Anchor, AnchorFailure } from './anchor.ts'
import { type AnchorStanding, deleteStanding, findStandings, insertReceipt, saveStanding } from './store.ts'

/** What came of taking a checkpoint to an anchor. */
export type Outcome =
  | { readonly state: 'well'; readonly receipt: string | undefined }
  | { readonly state: 'failing'; readonly reason: AnchorFailure }
  | { readonly state: 'ahead'; readonly size: number }

// An anchor that is back is found within this time, in milliseconds.
const longestPause = 15 * 60_000

/** Whether an anchor is to be tried now: twice as long after each failure in a row. */
export function isDue(standing: AnchorStanding | undefined, now: Date, every: number): boolean {
  if (standing === undefined || standing.failures < 2) return true
  const pause = Math.min(every * 2 ** (standing.failures - 1), Math.max(longestPause, every))
  // What was tried in the future was tried by a clock that is wrong.
  const passed = now.getTime() - standing.triedAt.getTime()
  return passed < 0 || passed >= pause
}

/** Keeps what came of it, with its event when the anchor changed its state: in one transaction. */
export async function recordOutcome(
  knex: Knex,
  clock: Clock,
  {
    anchor,
    checkpoint,
    outcome,
  }: { readonly anchor: string; readonly checkpoint: Checkpoint; readonly outcome: Outcome },
): Promise<void> {
  const now = clock.now()
  await knex.transaction(async trx => {
    const before = (await findStandings(trx)).find(standing => standing.anchor === anchor)
    if (outcome.state === 'well') {
      const { receipt } = outcome
      await insertReceipt(trx, { anchor, size: checkpoint.size, receipt, at: now })
    }
    // What it proved is not forgotten because it does not answer now.
    const state = outcome.state === 'failing' && before?.state === 'ahead' ? 'ahead' : outcome.state
    await saveStanding(trx, {
      anchor,
      state,
      since: before?.state === state ? before.since : now,
      reason: outcome.state === 'failing' ? outcome.reason : null,
      triedAt: now,
      failures: state === 'well' ? 0 : (before?.failures ?? 0) + 1,
    })
    const event = state === before?.state ? undefined : eventOf(anchor, checkpoint, before, outcome)
    if (event !== undefined) await appendEvents(trx, clock, [{ actor: { kind: 'gateway' }, event }])
  })
}

/** Forgets anchors that are no longer among the settings; of one that was not well it is recorded. */
export async function retireOthers(knex: Knex, clock: Clock, anchors: readonly Anchor[]): Promise<void> {
  const gone = (await findStandings(knex)).filter(({ anchor }) =>
    anchors.every(({ name }) => name !== anchor),
  )
  for (const { anchor, state } of gone) {
    await knex.transaction(async trx => {
      await deleteStanding(trx, anchor)
      if (state === 'well') return
      const event = { type: 'anchor.retired', anchor, state } as const
      await appendEvents(trx, clock, [{ actor: { kind: 'gateway' }, event }])
    })
  }
}

function eventOf(
  anchor: string,
  { size }: Checkpoint,
  before: AnchorStanding | undefined,
  outcome: Outcome,
): AuditEvent | undefined {
  if (outcome.state === 'well') return before === undefined ? undefined : { type: 'anchor.recovered', anchor }
  if (outcome.state === 'failing') return { type: 'anchor.failed', anchor, reason: outcome.reason }
  return { type: 'anchor.ahead', anchor, size, anchoredSize: outcome.size }
}
