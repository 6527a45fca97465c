/**
 * What a daily review says (PCI DSS 10.4.1), as JSON. Times are ISO 8601 in UTC. Names that somebody chose are as they are in
 * the database, but for those that look like a card number: `[withheld]`. Whoever shows them makes them inert.
 */
export interface ReviewFacts {
  /** YYYY-MM-DD, UTC. */
  readonly day: string
  readonly from: string
  readonly until: string
  readonly madeAt: string
  /** All events with a time of that day, by type. The sections below single out some; nothing is left out here. */
  readonly events: readonly { readonly type: string; readonly result: Result; readonly count: number }[]
  /** Events that came since the report before was made, with a time of a day before this one; null when there is none before. */
  readonly late: { readonly after: string; readonly events: readonly Counted[] } | null
  readonly accepted: { readonly messages: number; readonly deliveries: number }
  /** What became of deliveries and of notices: attempts and ends, by type of event and outcome. */
  readonly outcomes: readonly { readonly type: string; readonly outcome: string; readonly count: number }[]
  readonly refusals: readonly Refusal[]
  readonly volumes: Volumes
  readonly unusual: Unusual
  readonly keys: Happenings
  readonly people: Happenings
  /** Sign-ins, reads of the log and what left it, by who did it. */
  readonly signIns: readonly ByActor[]
  readonly reads: readonly ByActor[]
  readonly alarms: Happenings
  readonly pending: readonly Pending[]
  readonly expiring: { readonly list: readonly Expiring[]; readonly more: number; readonly ownKnown: boolean }
  readonly log: LogState
}

export type Result = 'success' | 'failure'

export interface Counted {
  readonly type: string
  readonly count: number
}

export interface Refusal {
  readonly type: string
  readonly code: string
  /** Who was refused: the name of an application, or where somebody came from who proved no name. */
  readonly who: string
  readonly count: number
}

/** How much there was of each, the most first. Kept for the median of the days to come. */
export interface Volumes {
  /** Messages, by id of application. */
  readonly applications: readonly Volume[]
  /** Deliveries, by domain of recipients. */
  readonly domains: readonly Volume[]
}

export interface Volume {
  readonly subject: string
  readonly count: number
}

export interface Unusual {
  /** Of the 14 days before, how many the log knows. With too few, nothing is called unusual. */
  readonly days: number
  readonly applications: readonly UnusualVolume[]
  readonly domains: readonly UnusualVolume[]
}

/** Of applications the subject is the name. */
export interface UnusualVolume extends Volume {
  readonly median: number
  readonly is: 'more' | 'less'
}

/** Single events, the oldest first, and how many there were beyond the most that a report lists. */
export interface Happenings {
  readonly list: readonly Happening[]
  readonly more: number
}

export interface Happening {
  readonly at: string
  readonly type: string
  readonly who: string
  /** `name=value` of the event's own members. */
  readonly about: readonly string[]
}

export interface ByActor {
  readonly type: string
  readonly who: string
  readonly count: number
}

export interface Pending {
  readonly change: string
  readonly kind: string
  readonly subject: string
  readonly askedBy: string
  readonly askedAt: string
  readonly expiresAt: string
}

export interface Expiring {
  readonly what:
    | 'certificate'
    | 'attestation'
    | 'policy'
    | 'own certificate'
    | 'CA'
    | 'list of revoked certificates'
    | 'DKIM key'
  readonly about: string
  readonly endsAt: string
}

export interface LogState {
  /** Leaves of the last checkpoint; 0 before the first. */
  readonly size: number
  readonly checkpoint: { readonly at: string; readonly root: string } | null
  /** Events that were not yet in the log. */
  readonly waiting: number
  readonly anchors: readonly {
    readonly anchor: string
    readonly size: number | null
    readonly at: string | null
    readonly state: string | null
  }[]
  readonly archive: { readonly next: number; readonly at: string } | null
}
