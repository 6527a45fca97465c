import type { AuditEventType } from '../../audit/index.ts'
import { acceptance, deliverySubjects, type Wanted } from '../../audit-log/index.ts'
import type {
  ApplicationId,
  ChangeRequestId,
  DeliveryId,
  MessageId,
  OperatorId,
  RecipientId,
} from '../../kernel/index.ts'

export const deliveryStates = ['queued', 'sending', 'quarantined', 'delivered', 'failed'] as const
export const actorKinds = ['application', 'gateway', 'host', 'operator', 'recipient', 'peer'] as const

/** What events are searched by; all that is given holds. Whatever way an event is about something counts, but for `by`. */
export interface EventFilter {
  readonly from?: Date
  /** Not included. */
  readonly until?: Date
  readonly type?: AuditEventType
  readonly result?: 'success' | 'failure'
  /** The kind of who caused it. */
  readonly by?: (typeof actorKinds)[number]
  readonly recipient?: RecipientId
  readonly application?: ApplicationId
  /** Who did it, or to whom it was done. */
  readonly operator?: OperatorId
  readonly message?: MessageId
  readonly delivery?: DeliveryId
  readonly change?: ChangeRequestId
  /** Of anything else: a notice, a proposal, an attestation. */
  readonly id?: string
  /** The fingerprint of a primary key or of a subkey. */
  readonly key?: string
  /** Of a destination, or of whom a delivery is for. */
  readonly domain?: string
  readonly outcome?: string
  readonly code?: string
  /** The IP address that a request came from. */
  readonly address?: string
}

/** What deliveries are searched by; all that is given holds. */
export interface DeliveryFilter {
  /** When it was accepted. */
  readonly from?: Date
  /** Not included. */
  readonly until?: Date
  readonly recipient?: RecipientId
  readonly application?: ApplicationId
  readonly message?: MessageId
  /** The fingerprint of the primary key or of the subkey that it is encrypted to. */
  readonly key?: string
  readonly domain?: string
  readonly state?: (typeof deliveryStates)[number]
  /** Of any attempt at it, or of its end. */
  readonly outcome?: string
}

export function subjectsOfEvents(filter: EventFilter): readonly string[] {
  const { type, result, by, key, domain, outcome, code, address } = filter
  const { recipient, application, operator, message, delivery, change, id } = filter
  return given([
    recipient,
    application,
    operator,
    message,
    delivery,
    change,
    id,
    key && `certificate:${key}`,
    type && `type:${type}`,
    result && `result:${result}`,
    by && `by:${by}`,
    domain && `domain:${domain}`,
    outcome && `outcome:${outcome}`,
    code && `code:${code}`,
    address && `address:${address}`,
  ])
}

/**
 * At which leaves messages were accepted that may have such deliveries. One that has not ended is of a message whose
 * deliveries have not all ended.
 */
export function subjectsOfDeliveries(
  filter: DeliveryFilter,
): Required<Pick<Wanted, 'required' | 'excluded'>> {
  const { recipient, application, message, key, domain, state, outcome } = filter
  const ended = state === 'delivered' || state === 'failed'
  return {
    required: given([
      acceptance,
      recipient,
      application,
      message,
      key && `certificate:${key}`,
      domain && `domain:${domain}`,
      outcome && deliverySubjects.met(outcome),
      ended && deliverySubjects.ended(state),
    ]),
    excluded: given([state !== undefined && !ended && deliverySubjects.settled]),
  }
}

function given(subjects: readonly (string | false | undefined)[]): readonly string[] {
  return subjects.filter(subject => typeof subject === 'string' && subject !== '') as readonly string[]
}
