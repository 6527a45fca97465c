/** An event in its place in the log. The body is the leaf's data, to the octet. */
export interface Leaf {
  readonly leaf: number
  readonly body: string
}

export interface TrailEvent {
  readonly leaf: number
  readonly type: string
  readonly at: string
  /** Who caused it: the kind, and the id where it has one. */
  readonly by: { readonly kind: string; readonly id?: string }
  readonly fields: Readonly<Record<string, unknown>>
}

/** What an event says, by field. */
export type About = Readonly<Record<string, unknown>>

/** Leaves strictly between these. */
export interface Range {
  readonly after?: number | undefined
  readonly before?: number | undefined
}

/** What stands for a fact that events of its time did not hold. Nothing is guessed in its place. */
export const notRecorded = 'not recorded'

/** What is wrong with how events belong together. `where` names an event by its type and what it would be about. */
export interface Gap {
  readonly code: 'event_missing' | 'event_unfit'
  readonly where: string
}

/**
 * Events of which some are taken, each because another that was taken names it, and what was missed. Whatever was never
 * taken does not belong to the story.
 */
export class Trail {
  readonly #byType = new Map<string, TrailEvent[]>()
  readonly #taken = new Set<number>()
  readonly #gaps = new Map<string, Gap>()

  /** @param leaves by growing leaf. */
  constructor(leaves: readonly Leaf[]) {
    for (const { leaf, body } of leaves) {
      const event = eventOf(leaf, body)
      const known = this.#byType.get(event.type)
      if (known === undefined) this.#byType.set(event.type, [event])
      else known.push(event)
    }
  }

  /** Takes all events of these types that say this, by growing leaf. */
  all(types: readonly string[], about: About, { after = -1, before = Infinity }: Range = {}): TrailEvent[] {
    const found = types
      .flatMap(type => this.#byType.get(type) ?? [])
      .filter(event => event.leaf > after && event.leaf < before && says(event, about))
      .sort((a, b) => a.leaf - b.leaf)
    for (const { leaf } of found) this.#taken.add(leaf)
    return found
  }

  /** Takes the last event of this type that says this; undefined, and a gap, when there is none. */
  last(type: string, about: About, range: Range = {}): TrailEvent | undefined {
    const found = this.find(type, about, range)
    if (found === undefined)
      this.gap('event_missing', [type, ...Object.values(about).filter(Boolean)].map(String).join(' '))
    return found
  }

  /** As {@link last}, of what need not be there. */
  find(type: string, about: About, { after = -1, before = Infinity }: Range = {}): TrailEvent | undefined {
    const found = this.#byType
      .get(type)
      ?.findLast(event => event.leaf > after && event.leaf < before && says(event, about))
    if (found !== undefined) this.#taken.add(found.leaf)
    return found
  }

  gap(code: Gap['code'], where: string): void {
    this.#gaps.set(`${code} ${where}`, { code, where })
  }

  get taken(): ReadonlySet<number> {
    return this.#taken
  }

  get gaps(): readonly Gap[] {
    return [...this.#gaps.values()]
  }
}

/** A text that the event has; empty when it has none. */
export function textOf(event: { readonly fields: About } | undefined, name: string): string {
  const value = event?.fields[name]
  return typeof value === 'string' ? value : ''
}

/** What the event has there, as it is; that it is not recorded when there is no such field. */
export function recorded(fields: About | undefined, name: string): unknown {
  return fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : notRecorded
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function says({ fields }: TrailEvent, about: About): boolean {
  return Object.entries(about).every(([name, value]) => value !== undefined && fields[name] === value)
}

function eventOf(leaf: number, body: string): TrailEvent {
  const fields = parse(body)
  const actor = isObject(fields['actor']) ? fields['actor'] : {}
  const { kind, id } = actor
  return {
    leaf,
    type: textOf({ fields }, 'type'),
    at: textOf({ fields }, 'at'),
    by: { kind: typeof kind === 'string' ? kind : '', ...(typeof id === 'string' ? { id } : {}) },
    fields,
  }
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
