/** What a delivery is part of, which its own events do not repeat. */
export interface DeliveryFacts {
  readonly message: string
  readonly recipient: string
  readonly application: string
  readonly certificate: string
  readonly encryptionSubkey: string
  readonly domain: string
}

const id = /^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$/
const fingerprint = /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/
/** Fields whose values are subjects under the field's name. Ids and fingerprints are, wherever they stand. */
const named = new Set(['domain', 'outcome', 'code', 'policy'])
const ownFields = new Set(['id', 'at', 'salt', 'type', 'actor', 'from', 'result'])

/**
 * What an event is about, as the search index has it: ids as they are; `certificate:` and a fingerprint (of a primary key or
 * a subkey); `type:`, `result:`, `by:` (the kind of the actor), `address:` (where from), `domain:`, `outcome:`, `code:`,
 * `policy:` and the value. Each once, in no order. Whatever else it holds is not searched by.
 */
export function subjectsOf(event: Readonly<Record<string, unknown>>, delivery?: DeliveryFacts): Set<string> {
  const subjects = new Set<string>()
  if (typeof event['type'] === 'string') subjects.add(`type:${event['type']}`)
  if (typeof event['result'] === 'string') subjects.add(`result:${event['result']}`)
  addActor(subjects, event['actor'])
  addAddress(subjects, event['from'])
  for (const [name, value] of Object.entries(event)) if (!ownFields.has(name)) addValue(subjects, name, value)
  // What is asked to be changed about a destination names it by its domain.
  if (event['kind'] === 'destination.set') addValue(subjects, 'domain', event['subject'])
  if (delivery !== undefined) {
    const { message, recipient, application, certificate, encryptionSubkey, domain } = delivery
    for (const subject of [message, recipient, application]) subjects.add(subject)
    for (const key of [certificate, encryptionSubkey]) subjects.add(`certificate:${key}`)
    subjects.add(`domain:${domain}`)
  }
  return subjects
}

function addActor(subjects: Set<string>, actor: unknown): void {
  if (!isObject(actor)) return
  if (typeof actor['kind'] === 'string') subjects.add(`by:${actor['kind']}`)
  if (typeof actor['id'] === 'string' && id.test(actor['id'])) subjects.add(actor['id'])
  addAddress(subjects, actor)
}

function addAddress(subjects: Set<string>, where: unknown): void {
  if (isObject(where) && typeof where['address'] === 'string') subjects.add(`address:${where['address']}`)
}

function addValue(subjects: Set<string>, name: string, value: unknown): void {
  if (typeof value === 'string') {
    if (id.test(value)) subjects.add(value)
    else if (fingerprint.test(value)) subjects.add(`certificate:${value}`)
    else if (named.has(name)) subjects.add(`${name}:${value}`)
  } else if (Array.isArray(value)) {
    for (const item of value) addValue(subjects, name, item)
  } else if (isObject(value)) {
    // What somebody searched by is not what became of it; but whom it was about.
    for (const [inner, item] of Object.entries(value))
      addValue(subjects, name === 'filters' ? name : inner, item)
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
