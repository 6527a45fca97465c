import { createHash, randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type Clock, newId, SealpostError } from '../kernel/index.ts'
import { tellRefused, unwritable } from './alarms/append-failures.ts'
import { canonicalJson } from './canonical.ts'
import { catalogue } from './events/catalogue.ts'
import type { Actor, AuditEvent } from './events/index.ts'
import { currentOrigin, type Origin } from './origin.ts'
import { type EventRow, insertEvents } from './store.ts'

export interface AuditEntry {
  readonly actor: Actor
  readonly event: AuditEvent
  /** Where it came from, for work that several requests share. Default: {@link currentOrigin}. */
  readonly from?: Origin | undefined
}

/**
 * Appends events in the transaction of their effect, so that both commit or neither does (invariant 4). Throws, and
 * so undoes the effect: `internal_error` when an event holds something that does not belong into the log, `audit_unavailable`
 * when the log cannot be written, or what the database says. The first two raise an alarm.
 */
export async function appendEvents(
  trx: Knex.Transaction,
  clock: Clock,
  entries: readonly AuditEntry[],
): Promise<void> {
  if (entries.length === 0) return
  const rows = entries.map(entry => eventRow(entry, clock))
  try {
    await insertEvents(trx, rows)
  } catch (error) {
    throw unwritable(error)
  }
}

/** Appends one event that has no other effect, such as a refusal, in a transaction of its own. Throws as {@link appendEvents}. */
export function recordEvent(knex: Knex, clock: Clock, actor: Actor, event: AuditEvent): Promise<void> {
  return knex.transaction(trx => appendEvents(trx, clock, [{ actor, event }]))
}

/** The hash that belongs to a stored body: SHA-256(0x00 || body), a leaf of RFC 6962 section 2.1. */
export function recomputeHash(body: string): Buffer {
  return createHash('sha256').update(Uint8Array.of(0)).update(body, 'utf8').digest()
}

/** An event as it is stored. Throws `internal_error`. */
export function eventRow(entry: AuditEntry, clock: Clock): EventRow {
  const { actor, event } = entry
  const from = originOf(entry)
  const id = newId('evt', clock)
  const at = clock.now()
  // The salt keeps the hash of a guessable event from telling the event.
  const salt = randomBytes(16).toString('hex')
  const { result } = catalogue[event.type]
  const known = { ...event, id, at: at.toISOString(), actor, result, salt }
  const body = bodyOf(from === undefined ? known : { ...known, from })
  return { id, at, type: event.type, body, hash: recomputeHash(body) }
}

function originOf(entry: AuditEntry): Origin | undefined {
  const from = 'from' in entry ? entry.from : currentOrigin()
  // Somebody with the command line of the host needs no listener, and has no address.
  return from === undefined && entry.actor.kind === 'host' ? { listener: 'host' } : from
}

function bodyOf(event: object): string {
  try {
    return canonicalJson(event)
  } catch (error) {
    tellRefused()
    throw new SealpostError('internal_error', {
      detail: error instanceof TypeError ? error.message : 'audit event',
    })
  }
}
