import type { Knex } from 'knex'

/** A tree head that the log signed. */
export interface Checkpoint {
  readonly size: number
  readonly root: Buffer
  /** The signed note (C2SP tlog-checkpoint), as it was signed: without cosignatures. */
  readonly note: string
  readonly at: Date
}

/** The newest; undefined before the first. */
export async function latestCheckpoint(_knex: Knex): Promise<Checkpoint | undefined> {
  throw new Error('not yet')
}

/** The checkpoint of exactly this size. */
export async function checkpointAt(_knex: Knex, _size: number): Promise<Checkpoint | undefined> {
  throw new Error('not yet')
}

/** The oldest whose tree has the leaf; undefined until the log has come so far. */
export async function firstCheckpointCovering(_knex: Knex, _leaf: number): Promise<Checkpoint | undefined> {
  throw new Error('not yet')
}
