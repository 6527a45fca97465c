import type { Knex } from 'knex'
import { type Clock, SealpostError } from '../../kernel/index.ts'
import { type Checkpoint, checkpointAt, firstCheckpointCovering } from '../checkpoint.ts'
import { findCovering, findReceipts, findStandings, insertReceipt } from './store.ts'

/** That an anchor took this very checkpoint. */
export interface AnchorReceipt {
  readonly anchor: string
  /** A witness's cosignature line with its newline: it belongs at the end of the note. Undefined where there is none. */
  readonly receipt: string | undefined
  readonly at: Date
}

/** The anchors that have taken a checkpoint of at least `size` leaves, sorted. */
export async function anchoredBy(knex: Knex, size: number): Promise<readonly string[]> {
  const covering = await findCovering(knex, size)
  return covering.map(({ anchor }) => anchor).sort()
}

/** Who has taken exactly this checkpoint, by name. */
export function anchorsOf(knex: Knex, { size }: Pick<Checkpoint, 'size'>): Promise<readonly AnchorReceipt[]> {
  return findReceipts(knex, size)
}

/**
 * The checkpoint that evidence about this leaf goes under: the oldest that covers it once `quorum` different anchors have taken it or an
 * older one that covers the leaf too; with a quorum of 0 the oldest that covers it. Throws `evidence_not_anchored` (temporary) until there is
 * one, and while any anchor knows of a larger or another tree.
 */
export async function checkpointForEvidence(knex: Knex, leaf: number, quorum: number): Promise<Checkpoint> {
  const standings = await findStandings(knex)
  if (standings.some(({ state }) => state === 'ahead')) throw refused('an anchor contradicts the log')
  const checkpoint =
    quorum === 0 ? await firstCheckpointCovering(knex, leaf) : await anchored(knex, leaf, quorum)
  if (checkpoint === undefined) throw refused('no checkpoint covers it yet')
  return checkpoint
}

async function anchored(knex: Knex, leaf: number, quorum: number): Promise<Checkpoint | undefined> {
  const covering = await findCovering(knex, leaf + 1)
  const last = covering[quorum - 1]
  if (last === undefined) throw refused(`${covering.length} of ${quorum} anchors cover it`)
  return checkpointAt(knex, last.size)
}

/** Keeps that an anchor took the checkpoint of this size; harmless when it is known. For anchors that are not asked by `openAnchoring`: the mail. */
export async function recordAnchored(
  knex: Knex | Knex.Transaction,
  clock: Clock,
  { anchor, size, receipt }: { readonly anchor: string; readonly size: number; readonly receipt?: string },
): Promise<void> {
  await insertReceipt(knex, { anchor, size, receipt, at: clock.now() })
}

function refused(detail: string): SealpostError {
  return new SealpostError('evidence_not_anchored', { detail, retryAfterSeconds: 60 })
}
