import type { Knex } from 'knex'
import { checkpointOfSize, newestCheckpoint, oldestCheckpointAbove } from './store.ts'

/** A tree head that the log signed. */
export interface Checkpoint {
  readonly size: number
  readonly root: Buffer
  /** The signed note (C2SP tlog-checkpoint), as it was signed: without cosignatures. Nothing here verifies it. */
  readonly note: string
  readonly at: Date
}

/** The newest; undefined before the first. */
export function latestCheckpoint(knex: Knex): Promise<Checkpoint | undefined> {
  return newestCheckpoint(knex)
}

/** The checkpoint of exactly this size, if there was one. */
export function checkpointAt(knex: Knex, size: number): Promise<Checkpoint | undefined> {
  return checkpointOfSize(knex, size)
}

/** The oldest whose tree has the leaf; undefined until the log has come so far. */
export function firstCheckpointCovering(knex: Knex, leaf: number): Promise<Checkpoint | undefined> {
  return oldestCheckpointAbove(knex, leaf)
}
