import type { Knex } from 'knex'

/** The name of this follower of the log. */
const stream = 'syslog'

/** How it goes with a receiver. */
export interface StreamStanding {
  /** Host and port. */
  readonly receiver: string
  /** Whether it took anything yet. */
  readonly started: boolean
  readonly triedAt: Date
  /** How many tries in a row failed. */
  readonly failures: number
  /** Whether the log says that it is failing, and when the log said so last. */
  readonly told: boolean
  readonly toldAt: Date | null
}

const columns = ['receiver', 'started', 'tried_at as triedAt', 'failures', 'told', 'told_at as toldAt']

/** Undefined before anything was tried. */
export async function findStanding(
  knex: Knex | Knex.Transaction,
  receiver: string,
): Promise<StreamStanding | undefined> {
  return knex('audit_stream_states').where({ receiver }).first<StreamStanding | undefined>(columns)
}

export async function saveStanding(
  trx: Knex.Transaction,
  { triedAt, toldAt, ...standing }: StreamStanding,
): Promise<void> {
  await trx('audit_stream_states')
    .insert({ ...standing, tried_at: triedAt, told_at: toldAt })
    .onConflict('receiver')
    .merge()
}

/** The first leaf that is not known to have arrived at the SIEM; undefined where there is none. */
export async function streamedUntil(knex: Knex): Promise<number | undefined> {
  const receiver = await knex('audit_stream_states').first<{ receiver: string } | undefined>('receiver')
  return receiver === undefined ? undefined : findCursor(knex)
}

/** Of all receivers but this one: those that took something. */
export async function deleteOtherStandings(
  trx: Knex.Transaction,
  receiver: string,
): Promise<readonly string[]> {
  const gone = await trx('audit_stream_states')
    .whereNot({ receiver })
    .delete()
    .returning<{ receiver: string; started: boolean }[]>(['receiver', 'started'])
  return gone.flatMap(standing => (standing.started ? [standing.receiver] : []))
}

/** The first leaf that is not known to have arrived. */
export async function findCursor(knex: Knex | Knex.Transaction): Promise<number> {
  const row = await knex('audit_followers')
    .where({ name: stream })
    .first<{ next_leaf: string } | undefined>('next_leaf')
  return Number(row?.next_leaf ?? 0)
}

/** Never back: what one replica knows to have arrived, another one that was slower does not undo. */
export async function moveCursor(trx: Knex.Transaction, next: number, at: Date): Promise<void> {
  await trx.raw(
    `INSERT INTO audit_followers AS f (name, next_leaf, updated_at) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET next_leaf = greatest(f.next_leaf, excluded.next_leaf), updated_at = excluded.updated_at`,
    [stream, next, at],
  )
}
