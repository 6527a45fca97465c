import type { Knex } from 'knex'
import type { Clock } from '../../kernel/index.ts'
import { isUniqueViolation } from '../../platform/index.ts'
import {
  emptyRoot,
  formatCheckpoint,
  growEdge,
  type NoteSigner,
  rootOfEdge,
  signNote,
} from '../../tlog/index.ts'
import { assertConsistent, Inconsistency } from './inconsistency.ts'
import { beforeTransaction, beginning, later, type Place } from './place.ts'
import {
  insertCheckpoint,
  insertTiles,
  lockLog,
  type Standing,
  standingOfLog,
  type Taken,
  takeEvents,
} from './store.ts'
import { assertAdds, assertSigned, edgeOf, type Head } from './tree.ts'

/** What one process remembers from pass to pass; a process that remembers nothing does the same, with more to look through. */
export interface Memory {
  /** The newest tree head it knows. */
  readonly head: Head | undefined
  /** Everything up to here is in the log. */
  readonly reached: Place
  /** How far events of another server have been looked for; undefined when all were. */
  readonly restored: Place | undefined
}

export const nothing: Memory = { head: undefined, reached: beginning, restored: beginning }

export interface Passed {
  /** Events taken in. */
  readonly taken: number
  /** Whether there may be more at once. */
  readonly more: boolean
  readonly memory: Memory
}

export interface PassDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly key: NoteSigner
  /** Events in one pass at most. */
  readonly batch: number
}

/**
 * Takes committed events into the log in one transaction, which either does all of it or nothing. Throws an `Inconsistency` when
 * the tables are not the log that was signed, and what the database says; both leave everything as it was.
 */
export async function passOnce(dependencies: PassDependencies, memory: Memory): Promise<Passed> {
  try {
    return await dependencies.knex.transaction(trx => passIn(trx, dependencies, memory))
  } catch (error) {
    throw isUniqueViolation(error) ? new Inconsistency('collision', error) : error
  }
}

async function passIn(
  trx: Knex.Transaction,
  { clock, key, batch }: PassDependencies,
  memory: Memory,
): Promise<Passed> {
  // Crash point "before": nothing has happened.
  if (!(await lockLog(trx))) return { taken: 0, more: false, memory }
  // After the lock, so that this sees what the one before committed.
  const standing = await standingOfLog(trx)
  const { last } = standing
  const head: Head = last ?? { size: 0, root: emptyRoot() }
  if (last !== undefined) assertSigned(last, key.verifier)
  if (memory.head !== undefined) await assertAdds(trx, memory.head, head, 'history')
  const found = await takeFrom(trx, standing, memory, batch)
  // Crash point "leaves": the server drops the transaction, and with it the leaves. So it is at each point up to the commit.
  const kept = { reached: found.reached, restored: found.restored }
  if (found.hashes.length === 0) return { taken: 0, more: found.more, memory: { head, ...kept } }

  // Read each time, though this process might remember it: so the leaves of a tile are looked at for as long as it is not full.
  const grown = growEdge(await edgeOf(trx, head), head.size, found.hashes)
  await insertTiles(trx, grown.full)
  // Crash point "tiles".
  const next: Head = { size: head.size + found.hashes.length, root: rootOfEdge(grown.edge) }
  // By what the tables hold, of all of the tree: the signature is about them.
  await assertAdds(trx, head, next, 'tree')
  const note = signNote(formatCheckpoint({ origin: key.verifier.name, ...next }), key)
  await insertCheckpoint(trx, { ...next, note, at: clock.now(), place: found.reached })
  // Crash point "checkpoint": nobody has seen the signed note. Crash point "commit": it is done, and the next pass goes on from it.
  return { taken: found.hashes.length, more: found.more, memory: { head: next, ...kept } }
}

type Found = Pick<Taken, 'hashes'> & Pick<Memory, 'reached' | 'restored'> & { readonly more: boolean }

/**
 * First what this server's transactions appended, those that are over (docs/decisions/0018). Then, once in the life of a process,
 * what stands above them: it came with a dump of another server, whose transactions are over as well.
 */
async function takeFrom(
  trx: Knex.Transaction,
  { last, xmin, xmax }: Standing,
  { reached, restored }: Memory,
  batch: number,
): Promise<Found> {
  const size = last?.size ?? 0
  const after = startingPlace(last?.place, reached, xmax)
  const own = sound(await takeEvents(trx, after, { below: xmin }, size, batch))
  if (own.seen === batch) return { ...own, reached: own.place ?? after, restored, more: true }
  const upTo = beforeTransaction(xmin)
  if (restored === undefined) return { ...own, reached: upTo, restored, more: false }

  const above = later(restored, beforeTransaction(xmax))
  const foreign = sound(await takeEvents(trx, above, 'restored', size + own.hashes.length, batch))
  return {
    hashes: [...own.hashes, ...foreign.hashes],
    reached: upTo,
    restored: foreign.seen === batch ? foreign.place : undefined,
    more: foreign.seen === batch,
  }
}

/** A place of the future is of another server, whose dump was restored: on this one, nothing was looked at yet. */
export function startingPlace(last: Place | undefined, reached: Place, xmax: bigint): Place {
  return last === undefined || last.xact >= xmax ? reached : later(last, reached)
}

function sound(taken: Taken): Taken {
  assertConsistent(taken.sound, 'event')
  return taken
}
