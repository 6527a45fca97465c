import { createHash } from 'node:crypto'
import { type Enrolment, enrolmentOf } from './enrolment.ts'
import { type About, notRecorded, recorded, type Trail, type TrailEvent, textOf } from './trail.ts'
import { type Decision, decisionOf, type NamedStep, namedStep, type Step, stepOf } from './who.ts'

export interface DeliveryAnswer {
  readonly delivery: string
  /** What it had come to; `under_way` when none of the events ends it. */
  readonly state: 'delivered' | 'failed' | 'cancelled' | 'quarantined' | 'under_way'
  readonly recipient: {
    readonly id: string
    readonly address: unknown
    readonly kind: unknown
    readonly invited: Step | null
  }
  readonly certificate: {
    readonly fingerprint: string
    readonly encryptionSubkey: string
    readonly algorithm: unknown
    readonly enrolment: Enrolment | null
  }
  readonly ciphertext: { readonly sha256: unknown; readonly bytes: unknown; readonly format: unknown }
  /** The rules for reaching the domain, from the one that was set last before acceptance on. */
  readonly destination: readonly DestinationRule[] | typeof notRecorded
  /** Attempts and decisions, in the log's order. */
  readonly history: readonly HistoryStep[]
  /** What else became of recipient and certificate, before acceptance and since. */
  readonly standing: readonly StandingStep[]
}

type DestinationRule = NamedStep & {
  readonly domain: string
  readonly mode?: unknown
  readonly sha256?: unknown
  readonly decision: Decision | null
}

export type HistoryStep = NamedStep & {
  readonly outcome: unknown
  readonly attempt?: unknown
  readonly host?: unknown
  /** How the server was authenticated, and the connection protected; null: there was none. */
  readonly tls?: unknown
  readonly replyCode?: unknown
  /** What the server said, as it was kept: one line, what looked like a card number taken out. */
  readonly reply?: string | null
  /** RFC 3463. */
  readonly enhancedCode?: string | null
}

export type StandingStep = NamedStep & {
  readonly facts: About
  readonly decision: Decision | null
}

const attempts = ['delivery.delivered', 'delivery.deferred', 'delivery.failed']
const decisions = ['delivery.quarantined', 'delivery.released', 'delivery.cancelled']
const ofRecipient = [
  'attestation.recorded',
  'recipient.activated',
  'recipient.suspended',
  'recipient.reinstated',
  'recipient.unenrolled',
]
/** Fields of these that the answer does not have elsewhere. */
const facts = ['kind', 'validUntil', 'reason', 'means', 'finishUntil', 'certificate'] as const

/** What the events say of one of the deliveries that a `message.accepted` names. */
export function deliveryOf(
  trail: Trail,
  accepted: TrailEvent,
  fields: About,
  replies: readonly string[],
): DeliveryAnswer {
  const [delivery, id, fingerprint, encryptionSubkey] = [
    'delivery',
    'recipient',
    'certificate',
    'encryptionSubkey',
  ].map(name => textOf({ fields }, name)) as [string, string, string, string]
  const invited = trail.last('recipient.invited', { recipient: id }, { before: accepted.leaf })
  const certificate = { recipient: id, certificate: fingerprint, encryptionSubkey }
  const enrolment = enrolmentOf(trail, certificate, accepted.leaf)
  const history = trail.all([...attempts, ...decisions], { delivery }, { after: accepted.leaf })
  const address = recorded(invited?.fields, 'address')
  return {
    delivery,
    state: stateOf(trail, accepted, delivery, history),
    recipient: {
      id,
      address,
      kind: recorded(invited?.fields, 'kind'),
      invited: invited === undefined ? null : stepOf(trail, invited),
    },
    certificate: {
      fingerprint,
      encryptionSubkey,
      algorithm: enrolment?.algorithm ?? recorded(fields, 'algorithm'),
      enrolment,
    },
    ciphertext: {
      sha256: recorded(fields, 'ciphertextSha256'),
      bytes: recorded(fields, 'ciphertextBytes'),
      format: recorded(fields, 'format'),
    },
    destination: destinationOf(trail, address, accepted.leaf, history.at(-1)?.leaf ?? accepted.leaf),
    history: history.map(event => historyStep(trail, event, replies)),
    standing: standingOf(trail, certificate),
  }
}

function stateOf(
  trail: Trail,
  accepted: TrailEvent,
  delivery: string,
  history: readonly TrailEvent[],
): DeliveryAnswer['state'] {
  const has = (type: string) => history.some(event => event.type === type)
  // What waits is its application's to cancel. People decide on what waits for a decision, and on nothing else.
  const byApplication = history.filter(
    ({ type, by }) => type === 'delivery.cancelled' && by.kind === 'application',
  )
  if (byApplication.some(({ by }) => by.id !== accepted.by.id))
    trail.gap('event_unfit', `delivery.cancelled ${delivery} by another application`)
  const decided = history.filter(event => ['delivery.released', 'delivery.cancelled'].includes(event.type))
  if (decided.length > byApplication.length && !has('delivery.quarantined'))
    trail.gap('event_missing', `delivery.quarantined ${delivery}`)
  // It went out, whatever was recorded of it at the same time.
  if (has('delivery.delivered')) return 'delivered'
  if (has('delivery.cancelled')) return 'cancelled'
  if (has('delivery.failed')) return 'failed'
  return history.at(-1)?.type === 'delivery.quarantined' ? 'quarantined' : 'under_way'
}

function historyStep(trail: Trail, event: TrailEvent, replies: readonly string[]): HistoryStep {
  const { fields } = event
  const step = { ...namedStep(trail, event), outcome: recorded(fields, 'outcome') }
  if (decisions.includes(event.type)) return step
  return {
    ...step,
    attempt: recorded(fields, 'attempt'),
    host: recorded(fields, 'host'),
    tls: recorded(fields, 'tls'),
    replyCode: recorded(fields, 'replyCode'),
    ...replyOf(trail, event, replies),
  }
}

function replyOf(
  trail: Trail,
  { fields, leaf }: TrailEvent,
  replies: readonly string[],
): Pick<HistoryStep, 'reply' | 'enhancedCode'> {
  const digest = recorded(fields, 'replySha256')
  if (digest === notRecorded) return { reply: notRecorded, enhancedCode: notRecorded }
  if (digest === null) return { reply: null, enhancedCode: null }
  const reply = replies.find(text => sha256(text) === digest)
  if (reply === undefined) {
    trail.gap('event_missing', `the reply of leaf ${leaf}`)
    return { reply: notRecorded, enhancedCode: notRecorded }
  }
  const [, enhancedCode = null] = /^[245][0-9]{2} ([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)/.exec(reply) ?? []
  return { reply, enhancedCode }
}

function destinationOf(
  trail: Trail,
  address: unknown,
  accepted: number,
  last: number,
): DeliveryAnswer['destination'] {
  if (typeof address !== 'string' || address === notRecorded) return notRecorded
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  const set = trail.last('destination.set', { domain }, { before: accepted })
  const since = trail.all(
    ['destination.set', 'destination.removed'],
    { domain },
    { after: accepted, before: last },
  )
  return [...(set === undefined ? [] : [set]), ...since].map(event => ({
    ...namedStep(trail, event),
    domain,
    mode: recorded(event.fields, 'mode'),
    sha256: recorded(event.fields, 'sha256'),
    decision: decisionIn(trail, event, 'destination.set', domain),
  }))
}

function standingOf(
  trail: Trail,
  {
    recipient,
    certificate,
    encryptionSubkey,
  }: Readonly<Record<'recipient' | 'certificate' | 'encryptionSubkey', string>>,
): readonly StandingStep[] {
  const events = [
    ...trail.all(ofRecipient, { recipient }),
    ...trail.all(['certificate.revoked'], { recipient, certificate }),
    ...trail.all(['certificate.retired'], { recipient, certificate, encryptionSubkey }),
  ]
  return events
    .sort((a, b) => a.leaf - b.leaf)
    .map(event => ({
      ...namedStep(trail, event),
      facts: Object.fromEntries(
        facts.filter(name => event.fields[name] !== undefined).map(name => [name, event.fields[name]]),
      ),
      decision: decisionIn(
        trail,
        event,
        event.type === 'recipient.reinstated' ? 'recipient.reinstate' : event.type,
        recipient,
      ),
    }))
}

/** The decision that an event names, where it names one. */
function decisionIn(trail: Trail, event: TrailEvent, kind: string, subject: string): Decision | null {
  const change = textOf(event, 'change')
  return change === '' ? null : (decisionOf(trail, change, kind, subject) ?? null)
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
