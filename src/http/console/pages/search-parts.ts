import type { Request } from 'express'
import type { z } from 'zod'
import type { DeliveryFilter, EventFilter, LogStand } from '../../../review/index.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { field, foreign } from '../../page/parts.ts'
import { filtersAbout } from '../about.ts'
import { checked, readFields } from '../query.ts'

/** A point in time to the millisecond, in UTC. */
export function exactly(date: Date | string): Html {
  const text = new Date(date).toISOString()
  return html`<time datetime="${text}">${text.replace('T', ' ').replace('Z', ' UTC')}</time>`
}

/** The fields of a search form, whose `about` stands for whatever is in it. Throws `invalid_request`. */
export function readSearch<Schema extends z.ZodType>(request: Request, schema: Schema): z.infer<Schema> {
  const { about, ...fields } = readFields(request)
  return checked(schema, { ...fields, ...(about === undefined ? {} : filtersAbout(about)) })
}

/** What a form had when it was sent. */
export function sent(request: Request): (name: string) => string {
  const query = new URL(request.url, 'https://console.invalid').searchParams
  return name => query.get(name) ?? ''
}

/** A labelled choice; the empty value stands for all. */
export function select(
  name: string,
  label: string,
  value: string,
  options: readonly string[],
  words: (option: string) => string = option => option,
): Html {
  const option = (one: string) =>
    html`<option value="${one}"${one === value && html` selected`}>${one === '' ? 'all' : words(one)}</option>`
  return html`<div class="field"><label for="${name}">${label}</label>
<select id="${name}" name="${name}">${['', ...options].map(option)}</select></div>`
}

/** From when and until when: days, unless a program's link has points in time. */
export function times(value: (name: string) => string): Content {
  return (
    [
      ['from', 'From'],
      ['until', 'Until, all of that day'],
    ] as const
  ).map(([name, label]) => {
    const given = value(name)
    const type = /^(?:\d{4}-\d\d-\d\d)?$/.test(given) ? 'date' : 'text'
    return field(name, `${label} (UTC)`, { type, required: false, value: given, size: 40 })
  })
}

/** The query of the API that finds the same. */
function queryOf(filter: EventFilter | DeliveryFilter): string {
  const entries = Object.entries(filter).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Date ? value.toISOString() : String(value),
  ])
  return new URLSearchParams(entries).toString()
}

/** The same search as files. */
export function files(path: '/v1/audit' | '/v1/deliveries', filter: EventFilter | DeliveryFilter): Html {
  const query = queryOf(filter)
  const link = (format: string) => `${path}?format=${format}${query === '' ? '' : `&${query}`}`
  return html`<p class="acts"><a href="${link('csv')}">All that is found, as CSV</a>
<a href="${link('jsonl')}">As JSON lines</a></p>`
}

/** What stands under a list: how far the log had come, and that looking is on record. */
export function stand(log: LogStand | null): Html {
  return html`<p class="soft">${
    log === null ? 'The log has no checkpoint yet.' : html`As of ${log.size} leaves, ${exactly(log.at)}.`
  } That you looked is recorded.</p>`
}

/** Nothing on this page; or nothing so far, where the search stopped to be quick. */
export function nothing(more: boolean): Html {
  return more
    ? html`<p class="soft">Nothing here yet: the search went far back and stops at each page. Go on to the next.</p>`
    : html`<p class="soft">Nothing fits.</p>`
}

/** A link to all events about something. */
export function eventsAbout(subject: string): Html {
  const path = `/audit?about=${encodeURIComponent(subject)}`
  return html`<a href="${path}">${foreign(subject)}</a>`
}
