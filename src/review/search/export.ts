import { recordEvent } from '../../audit/index.ts'
import type { LoggedEvent } from '../../audit-log/index.ts'
import { csvLine } from '../../kernel/index.ts'
import { type DeliveryPoint, type FoundDelivery, searchDeliveries } from './deliveries.ts'
import { searchEvents } from './events.ts'
import type { DeliveryFilter, EventFilter } from './filter.ts'
import { type Reader, standOf } from './read.ts'
import { searchedBy } from './searched-by.ts'
import { aboutOf, actorOf, fieldsOf, textOf } from './show.ts'

export const exportFormats = ['csv', 'jsonl'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** How many are read at a time, and so held in memory. */
const many = 500

/**
 * All events that a filter finds, as of now, the last first; page by page while somebody takes them. That they leave is on
 * record when it resolves, how many did when they end. JSON lines are those of `audit export`: `{"leaf":N,"event":BODY}`.
 */
export async function exportEvents(
  reader: Reader,
  filter: EventFilter,
  as: ExportFormat,
): Promise<AsyncIterable<string>> {
  const size = (await standOf(reader.knex))?.size ?? 0
  const filters = searchedBy(filter)
  await recordEvent(reader.knex, reader.clock, reader.actor, {
    type: 'audit.search.exported',
    as,
    filters,
    size,
  })
  return exported(reader, as, eventColumns, eventLine, async (before: number | undefined) => {
    const { events, next } = await searchEvents(reader.knex, filter, { limit: many, before: before ?? size })
    return { rows: events, next }
  })
}

/** All deliveries that a filter finds, likewise. Each is as it is when its page is read. */
export async function exportDeliveries(
  reader: Reader,
  filter: DeliveryFilter,
  as: ExportFormat,
): Promise<AsyncIterable<string>> {
  const size = (await standOf(reader.knex))?.size ?? 0
  const filters = searchedBy(filter)
  const event = { type: 'deliveries.search.exported', as, filters, size } as const
  await recordEvent(reader.knex, reader.clock, reader.actor, event)
  const start = { leaf: size, position: Number.MAX_SAFE_INTEGER }
  return exported(
    reader,
    as,
    deliveryColumns,
    row => JSON.stringify(row),
    async (after: DeliveryPoint | undefined) => {
      const { deliveries, next } = await searchDeliveries(reader.knex, filter, {
        limit: many,
        after: after ?? start,
      })
      return { rows: deliveries, next }
    },
  )
}

type Columns<Row> = Readonly<Record<string, (row: Row) => string>>

async function* exported<Row, Place>(
  { knex, clock, actor }: Reader,
  as: ExportFormat,
  columns: Columns<Row>,
  lineOf: (row: Row) => string,
  page: (
    place: Place | undefined,
  ) => Promise<{ readonly rows: readonly Row[]; readonly next: Place | undefined }>,
): AsyncGenerator<string> {
  let [count, complete] = [0, false]
  try {
    if (as === 'csv') yield csvLine(Object.keys(columns))
    let place: Place | undefined
    do {
      const { rows, next } = await page(place)
      const lines = rows.map(row =>
        as === 'csv' ? csvLine(Object.values(columns).map(column => column(row))) : `${lineOf(row)}\n`,
      )
      // What was handed over counts, though a client that goes away may not have seen the last of it.
      count += rows.length
      if (lines.length > 0) yield lines.join('')
      place = next
    } while (place !== undefined)
    complete = true
  } finally {
    await recordEvent(knex, clock, actor, { type: 'search.export.ended', count, complete })
  }
}

function eventLine({ leaf, body }: LoggedEvent): string {
  return `{"leaf":${leaf},"event":${body}}`
}

const eventColumns: Columns<LoggedEvent> = {
  leaf: ({ leaf }) => String(leaf),
  id: ({ id }) => id,
  at: ({ at }) => at.toISOString(),
  type: ({ type }) => type,
  result: ({ body }) => textOf(fieldsOf(body)['result']),
  by: ({ body }) => actorOf(body),
  about: ({ body }) => aboutOf(body).join(' '),
  event: ({ body }) => JSON.stringify(fieldsOf(body)),
}

const deliveryColumns: Columns<FoundDelivery> = {
  delivery: ({ id }) => id,
  message: ({ message }) => message,
  application: ({ application }) => application,
  application_name: ({ applicationName }) => applicationName,
  from: ({ from }) => from,
  recipient: ({ recipient }) => recipient,
  address: ({ address }) => address,
  certificate: ({ certificate }) => certificate,
  encryption_subkey: ({ encryptionSubkey }) => encryptionSubkey,
  format: ({ format }) => format,
  ciphertext_sha256: ({ ciphertextSha256 }) => ciphertextSha256,
  ciphertext_bytes: ({ ciphertextBytes }) => String(ciphertextBytes),
  state: ({ state }) => state,
  outcome: ({ outcome }) => outcome ?? '',
  attempts: ({ attempts }) => String(attempts),
  accepted_at: ({ acceptedAt }) => acceptedAt.toISOString(),
  settled_at: ({ settledAt }) => settledAt?.toISOString() ?? '',
}
