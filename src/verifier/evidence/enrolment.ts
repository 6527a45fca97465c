import { notRecorded, type Range, recorded, type Trail, type TrailEvent, textOf } from './trail.ts'
import {
  type Decision,
  decisionBehind,
  decisionOf,
  type NamedStep,
  namedStep,
  type Step,
  stepOf,
} from './who.ts'

/** A crypto policy as it was adopted. */
export interface AdoptedPolicy {
  readonly record: string
  readonly name: unknown
  readonly sha256: unknown
  readonly effectiveAt: unknown
  readonly adopted: Step
  readonly decision: Decision | typeof notRecorded | null
}

/** How a certificate became the one of its recipient. */
export interface Enrolment {
  readonly proposal: string
  readonly source: unknown
  readonly algorithm: unknown
  readonly expires: unknown
  readonly proposed: Step
  readonly possessionProved: Step
  /** Null: the certificate before certified this one, and the policy let that suffice. */
  readonly fingerprintVerified: (Step & { readonly means: unknown }) | null
  readonly decision: Decision | null
  readonly approved: Step
  /** The policy that it was judged under then, and allowed by. */
  readonly policy: AdoptedPolicy | typeof notRecorded
  readonly activated: Step
  readonly certifiedBy: { readonly fingerprint: string; readonly enrolment: Enrolment | null } | null
  /** What else happened to the proposal: codes sent, wrong ones returned, requests that came to nothing. */
  readonly otherSteps: readonly NamedStep[]
}

interface Certificate {
  readonly recipient: string
  readonly certificate: string
  readonly encryptionSubkey?: string
}

const otherSteps = ['possession.challenged', 'possession.refused', 'fingerprint.verified']
const otherRequests = [
  'change.asked',
  'change.rejected',
  'change.withdrawn',
  'change.expired',
  'change.voided',
  'change.refused',
]

/**
 * The way of a certificate: proposed, possession proved, fingerprint verified, asked for and approved by two people,
 * activated, in this order and each about the same proposal. Null, and gaps, when a step is missing.
 */
export function enrolmentOf(trail: Trail, which: Certificate, before: number): Enrolment | null {
  const { recipient, certificate } = which
  const activated = trail.last('certificate.activated', { ...which }, { before })
  const proposal = textOf(activated, 'proposal')
  const encryptionSubkey = textOf(activated, 'encryptionSubkey')
  const about = { recipient, proposal }
  const until = { before: activated?.leaf ?? before }
  const proposed = trail.last('certificate.proposed', { ...about, certificate, encryptionSubkey }, until)
  const proved = trail.last('possession.proved', about, { after: proposed?.leaf, ...until })
  const approved = trail.last('proposal.approved', about, { after: proved?.leaf, ...until })
  if (activated === undefined || proposed === undefined || proved === undefined || approved === undefined)
    return null
  const verification = verificationOf(trail, approved, certificate, {
    after: proved.leaf,
    before: approved.leaf,
  })
  const { decision, fingerprintVerified } = verification
  const others = [
    ...trail.all(otherSteps, about).filter(({ leaf }) => leaf !== fingerprintVerified?.leaf),
    ...trail
      .all(otherRequests, { kind: 'recipient.activate', subject: proposal })
      .filter(({ fields }) => decision === null || fields['change'] !== decision.change),
  ]
  return {
    proposal,
    source: recorded(proposed.fields, 'source'),
    algorithm: recorded(proposed.fields, 'algorithm'),
    expires: recorded(proposed.fields, 'expires'),
    proposed: stepOf(trail, proposed),
    possessionProved: stepOf(trail, proved),
    ...verification,
    approved: stepOf(trail, approved),
    policy: judgedUnder(trail, approved),
    activated: stepOf(trail, activated),
    certifiedBy: decision === null ? certifierOf(trail, proposed) : null,
    otherSteps: others.map(event => namedStep(trail, event)),
  }
}

/** Whose word the approval rests on: of two people, one of whom verified the fingerprint, or of the certificate before. */
function verificationOf(
  trail: Trail,
  approved: TrailEvent,
  certificate: string,
  range: Range,
): Pick<Enrolment, 'fingerprintVerified' | 'decision'> {
  const change = recorded(approved.fields, 'change')
  if (change === null) return { fingerprintVerified: null, decision: null }
  const proposal = textOf(approved, 'proposal')
  const decision = decisionOf(trail, textOf(approved, 'change'), 'recipient.activate', proposal)
  const about = { recipient: textOf(approved, 'recipient'), proposal, certificate }
  const verified = trail.last('fingerprint.verified', about, range)
  if (decision === undefined || verified === undefined) return { fingerprintVerified: null, decision: null }
  const step = stepOf(trail, verified, 'admin')
  const asker = decision.asked.by.id
  if (step.by.id !== asker || approved.by.id !== decision.approved.by.id)
    trail.gap('event_unfit', `proposal.approved ${proposal} by others than asked and decided`)
  return { fingerprintVerified: { ...step, means: recorded(verified.fields, 'means') }, decision }
}

function certifierOf(trail: Trail, proposed: TrailEvent): Enrolment['certifiedBy'] {
  const fingerprint = textOf(proposed, 'certifiedBy')
  if (fingerprint === '') {
    trail.gap('event_unfit', `certificate.proposed ${textOf(proposed, 'proposal')} certified by none`)
    return null
  }
  const which = { recipient: textOf(proposed, 'recipient'), certificate: fingerprint }
  return { fingerprint, enrolment: enrolmentOf(trail, which, proposed.leaf) }
}

function judgedUnder(trail: Trail, approved: TrailEvent): Enrolment['policy'] {
  const record = recorded(approved.fields, 'policy')
  if (record === notRecorded) return notRecorded
  return adoptedPolicy(trail, textOf(approved, 'policy'), approved.leaf) ?? notRecorded
}

/** The adoption of this name, which is older than what refers to it. */
export function adoptedPolicy(trail: Trail, record: string, before: number): AdoptedPolicy | undefined {
  const adopted = trail.last('policy.adopted', { record }, { before })
  if (adopted === undefined) return undefined
  return {
    record,
    name: recorded(adopted.fields, 'policy'),
    sha256: recorded(adopted.fields, 'sha256'),
    effectiveAt: recorded(adopted.fields, 'effectiveAt'),
    adopted: stepOf(trail, adopted, 'approver'),
    decision: decisionBehind(trail, adopted, 'policy.adopt', textOf(adopted, 'policy')),
  }
}
