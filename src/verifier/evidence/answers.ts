import { type DeliveryAnswer, deliveryOf } from './delivery.ts'
import { type AdoptedPolicy, adoptedPolicy } from './enrolment.ts'
import {
  type Gap,
  isObject,
  type Leaf,
  notRecorded,
  recorded,
  Trail,
  type TrailEvent,
  textOf,
} from './trail.ts'
import { type Step, stepOf } from './who.ts'

/** What the events say, put in order: what went where, to which key, approved by whom, over which TLS. */
export interface Answers {
  readonly message: string
  readonly accepted: Step
  readonly application: { readonly id: string; readonly san: unknown; readonly added: Step | null }
  /** In force at acceptance: recipients and keys were judged by it, and allowed. */
  readonly policy: AdoptedPolicy | typeof notRecorded
  readonly deliveries: readonly DeliveryAnswer[]
}

export interface Derived {
  readonly answers: Answers | undefined
  /** The leaves that the answers rest on. */
  readonly taken: ReadonlySet<number>
  /** Why the events are not a whole story, if they are not. */
  readonly gaps: readonly Gap[]
}

/**
 * Tells the story of a message from events, by growing leaf, and which of them belong to it. Replies of servers count
 * where an event has their digest.
 */
export function answersOf(message: string, events: readonly Leaf[], replies: readonly string[]): Derived {
  const trail = new Trail(events)
  const accepted = trail.last('message.accepted', { message })
  const answers = accepted === undefined ? undefined : tell(trail, accepted, replies)
  return { answers, taken: trail.taken, gaps: trail.gaps }
}

function tell(trail: Trail, accepted: TrailEvent, replies: readonly string[]): Answers {
  const deliveries = accepted.fields['deliveries']
  return {
    message: textOf(accepted, 'message'),
    accepted: stepOf(trail, accepted),
    application: applicationOf(trail, accepted),
    policy: policyOf(trail, accepted),
    deliveries: (Array.isArray(deliveries) ? deliveries.filter(isObject) : []).map(delivery =>
      deliveryOf(trail, accepted, delivery, replies),
    ),
  }
}

function applicationOf(trail: Trail, { by, leaf }: TrailEvent): Answers['application'] {
  const id = by.kind === 'application' ? by.id : undefined
  const added = trail.last('application.added', { application: id }, { before: leaf })
  const step = added === undefined ? null : stepOf(trail, added)
  return { id: id ?? '', san: recorded(added?.fields, 'san'), added: step }
}

function policyOf(trail: Trail, accepted: TrailEvent): Answers['policy'] {
  const policy = recorded(accepted.fields, 'policy')
  if (!isObject(policy)) return notRecorded
  const adopted = adoptedPolicy(trail, textOf({ fields: policy }, 'record'), accepted.leaf)
  if (adopted === undefined) return notRecorded
  if (adopted.name !== policy['name'] || adopted.sha256 !== policy['sha256'])
    trail.gap('event_unfit', `policy.adopted ${adopted.record} is of another policy`)
  return adopted
}
