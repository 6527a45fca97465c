import type { Knex } from 'knex'
import type { Clock } from '../../kernel/index.ts'
import type { Checkpoint } from '../checkpoint.ts'

/** That an anchor took this very checkpoint. */
export interface AnchorReceipt {
  readonly anchor: string
  /** A witness's cosignature line with its newline: it belongs at the end of the note. Undefined where there is none. */
  readonly receipt: string | undefined
  readonly at: Date
}

/** The anchors that have taken a checkpoint of at least `size` leaves, sorted. */
export async function anchoredBy(_knex: Knex, _size: number): Promise<readonly string[]> {
  throw new Error('not yet')
}

/** Who has taken exactly this checkpoint, by name. */
export async function anchorsOf(
  _knex: Knex,
  _checkpoint: Pick<Checkpoint, 'size'>,
): Promise<readonly AnchorReceipt[]> {
  throw new Error('not yet')
}

/**
 * The checkpoint that evidence about this leaf goes under: the oldest that covers it once `quorum` different anchors have taken it or an
 * older one that covers the leaf too; with a quorum of 0 the oldest that covers it. Throws `evidence_not_anchored` (temporary) until there is
 * one, and while any anchor knows of a larger or another tree.
 */
export async function checkpointForEvidence(
  _knex: Knex,
  _leaf: number,
  _quorum: number,
): Promise<Checkpoint> {
  throw new Error('not yet')
}

/** Keeps that an anchor took the checkpoint of this size; harmless when it is known. For anchors that are not asked by `openAnchoring`: the mail. */
export async function recordAnchored(
  _knex: Knex | Knex.Transaction,
  _clock: Clock,
  _taken: { readonly anchor: string; readonly size: number; readonly receipt?: string },
): Promise<void> {
  throw new Error('not yet')
}
