import type { Knex } from 'knex'
import { type Actor, type AuditEvent, recordEvent } from '../../audit/index.ts'
import { type Checkpoint, inclusionProof, type LoggedEvent, latestCheckpoint } from '../../audit-log/index.ts'
import { type AttemptStatus, deliveriesOf } from '../../delivery/index.ts'
import { type Clock, type DeliveryId, type EventId, SealpostError } from '../../kernel/index.ts'
import { type DeliveryPage, type DeliveryPlace, type FoundDelivery, searchDeliveries } from './deliveries.ts'
import { type EventPage, type EventPlace, searchEvents } from './events.ts'
import type { DeliveryFilter, EventFilter } from './filter.ts'
import { searchedBy } from './searched-by.ts'
import { deliveryNamed, eventNamed } from './store.ts'

/** Somebody who reads, and is on record for it before they are given anything. */
export interface Reader {
  readonly knex: Knex
  readonly clock: Clock
  readonly actor: Actor
}

/** How far the log had come: what is younger is not in the answer. */
export interface LogStand {
  readonly size: number
  readonly at: Date
}

/** {@link searchEvents}, on record. */
export async function readEvents(
  reader: Reader,
  filter: EventFilter,
  place: EventPlace,
): Promise<EventPage & { readonly log: LogStand | null }> {
  const log = await standOf(reader.knex)
  const page = await searchEvents(reader.knex, filter, place)
  await record(reader, { type: 'audit.read', filters: searchedBy(filter), count: page.events.length })
  return { ...page, log }
}

/** {@link searchDeliveries}, on record. */
export async function readDeliveries(
  reader: Reader,
  filter: DeliveryFilter,
  place: DeliveryPlace,
): Promise<DeliveryPage & { readonly log: LogStand | null }> {
  const log = await standOf(reader.knex)
  const page = await searchDeliveries(reader.knex, filter, place)
  const count = page.deliveries.length
  await record(reader, { type: 'deliveries.read', filters: searchedBy(filter), count })
  return { ...page, log }
}

/** That an event is in the log: anybody who has the log's key can check it, from the event's own text on. */
export interface EventProof {
  readonly leaf: number
  /** RFC 6962 section 2.1.1, for the tree of the checkpoint. */
  readonly hashes: readonly Buffer[]
  readonly checkpoint: Checkpoint
}

export interface ReadEvent {
  readonly event: Omit<LoggedEvent, 'leaf'>
  /** SHA-256(0x00 || body). */
  readonly hash: Buffer
  /** Undefined while the log has not taken it in: that takes a second. */
  readonly proof: EventProof | undefined
}

/** One event with its proof under the newest checkpoint, on record. Throws `not_found`. */
export async function readEvent(reader: Reader, id: EventId): Promise<ReadEvent> {
  const { knex } = reader
  // First the checkpoint: leaves that come later are not in its tree.
  const checkpoint = await latestCheckpoint(knex)
  const found = await eventNamed(knex, id)
  if (found === undefined) throw new SealpostError('not_found')
  const { leaf, hash, ...event } = found
  const proof =
    leaf === null || checkpoint === undefined || leaf >= checkpoint.size
      ? undefined
      : { leaf, hashes: await inclusionProof(knex, leaf, checkpoint.size), checkpoint }
  await record(reader, { type: 'audit.event.read', event: id })
  return { event, hash, proof }
}

/** The newest checkpoint, on record; undefined before the first. */
export async function readCheckpoint(reader: Reader): Promise<Checkpoint | undefined> {
  const checkpoint = await latestCheckpoint(reader.knex)
  await record(reader, { type: 'audit.checkpoint.read', size: checkpoint?.size ?? 0 })
  return checkpoint
}

/** One delivery with its attempts and how each server was authenticated, on record. Throws `not_found`. */
export async function readDelivery(
  reader: Reader,
  id: DeliveryId,
): Promise<FoundDelivery & { readonly tries: readonly AttemptStatus[] }> {
  const delivery = await deliveryNamed(reader.knex, id)
  if (delivery === undefined) throw new SealpostError('not_found')
  const all = await deliveriesOf(reader.knex, delivery.message)
  await record(reader, { type: 'delivery.read', delivery: id })
  return { ...delivery, tries: all.find(one => one.id === id)?.attempts ?? [] }
}

export async function standOf(knex: Knex): Promise<LogStand | null> {
  const checkpoint = await latestCheckpoint(knex)
  return checkpoint === undefined ? null : { size: checkpoint.size, at: checkpoint.at }
}

function record({ knex, clock, actor }: Reader, event: AuditEvent): Promise<void> {
  return recordEvent(knex, clock, actor, event)
}
