import { notRecorded, recorded, type Trail, type TrailEvent, textOf } from './trail.ts'

/** Who did something. An operator has the name that their registration gave them. */
export interface Who {
  readonly kind: string
  readonly id?: string
  readonly name?: unknown
  /** Since when they are an operator no more. */
  readonly revoked?: { readonly leaf: number; readonly at: string }
}

/** An event that an answer rests on. */
export interface Step {
  readonly leaf: number
  readonly at: string
  readonly by: Who
}

export interface NamedStep extends Step {
  readonly event: string
}

/** What two people decided: one asked, another approved. */
export interface Decision {
  readonly change: string
  readonly asked: Step
  readonly approved: Step
  /** Attempts to decide that were refused. */
  readonly refused: readonly Step[]
}

/** What an event says of itself; an operator must have been registered before, with the role, and not been revoked. */
export function stepOf(trail: Trail, event: TrailEvent, role?: string): Step {
  return { leaf: event.leaf, at: event.at, by: whoOf(trail, event, role) }
}

export function namedStep(trail: Trail, event: TrailEvent): NamedStep {
  return { ...stepOf(trail, event), event: event.type }
}

function whoOf(trail: Trail, { by, leaf, at, type }: TrailEvent, role: string | undefined): Who {
  if (by.kind !== 'operator') return by
  const added = trail.last('operator.added', { operator: by.id }, { before: leaf })
  const revoked = trail.find('operator.revoked', { operator: by.id })
  // Of two that happen at once, either can come first in the log.
  if (revoked !== undefined && revoked.leaf < leaf && revoked.at < at)
    trail.gap('event_unfit', `${type} by a revoked operator`)
  const roles = added?.fields['roles']
  if (role !== undefined && !(Array.isArray(roles) && roles.includes(role)))
    trail.gap('event_unfit', `${type} by an operator who is no ${role}`)
  const until = revoked === undefined ? {} : { revoked: { leaf: revoked.leaf, at: revoked.at } }
  return { ...by, name: recorded(added?.fields, 'name'), ...until }
}

/** The request of this name and its approval, by another operator. Undefined, and a gap, when they are not both there. */
export function decisionOf(
  trail: Trail,
  change: string,
  kind: string,
  subject: string,
): Decision | undefined {
  const about = { change, kind, subject }
  const asked = trail.last('change.asked', about)
  const approved = trail.last('change.approved', about, { after: asked?.leaf })
  if (asked === undefined || approved === undefined) return undefined
  const two = new Set([asked, approved].map(({ by }) => (by.kind === 'operator' ? by.id : undefined)))
  if (two.size !== 2 || two.has(undefined))
    trail.gap('event_unfit', `change.approved ${change} by one person`)
  const refused = trail.all(['change.refused'], about)
  return {
    change,
    asked: stepOf(trail, asked, 'admin'),
    approved: stepOf(trail, approved, 'approver'),
    refused: refused.map(event => stepOf(trail, event)),
  }
}

/** As {@link decisionOf}, of an event that names its request since events have that field; null: nobody was asked. */
export function decisionBehind(
  trail: Trail,
  event: TrailEvent,
  kind: string,
  subject: string,
): Decision | typeof notRecorded | null {
  const change = recorded(event.fields, 'change')
  if (change === null || change === notRecorded) return change
  return decisionOf(trail, textOf(event, 'change'), kind, subject) ?? null
}
