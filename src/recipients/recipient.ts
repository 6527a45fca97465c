import type {
  Address,
  AttestationId,
  ChangeRequestId,
  OperatorId,
  ProposalId,
  RecipientId,
} from '../kernel/index.ts'
import type { SuspensionReason } from '../notices/index.ts'
import type { CertificateReason, CertificateVerdict, Format } from '../sealer/host/index.ts'
import type { ProposalState, RecipientState } from './enrolment.ts'

export const recipientKinds = ['employee', 'supplier', 'customer'] as const
export type RecipientKind = (typeof recipientKinds)[number]

export const attestationKinds = ['aoc', 'saq', 'contract', 'scope', 'training', 'retention'] as const
export type AttestationKind = (typeof attestationKinds)[number]

/** How a fingerprint was compared with its owner, on another way than the mail. */
export const verificationMeans = ['phone', 'in_person', 'video', 'letter'] as const
export type VerificationMeans = (typeof verificationMeans)[number]

export const suspensionReasons = [
  'operator',
  'attestation_missing',
  'attestation_lapsed',
  'certificate_expired',
  'certificate_not_allowed',
] as const satisfies readonly SuspensionReason[]

export type ProposalSource = 'upload' | 'wkd' | 'vks' | 'refresh'

/** Somebody who may receive, or is on the way to it. */
export interface Recipient {
  readonly id: RecipientId
  readonly address: Address
  /** Foreign text on one line, as are `phone` and the references of attestations. */
  readonly organisation: string
  readonly kind: RecipientKind
  readonly state: RecipientState
  /** For the out-of-band check. */
  readonly phone: string | null
  /** How long the recipient agreed to keep what is sent. */
  readonly retentionDays: number | null
  /** The earliest end of the required attestations; null: one was never given, or nothing was approved yet. */
  readonly attestedUntil: Date | null
  readonly suspendedFor: SuspensionReason | null
  readonly createdAt: Date
}

export interface NewAttestation {
  readonly kind: AttestationKind
  /** Where the document is found: 1 to 200 characters on one line. */
  readonly reference: string
  readonly validUntil: Date
}

export interface Attestation extends NewAttestation {
  readonly id: AttestationId
  readonly recordedBy: OperatorId | null
  readonly recordedAt: Date
}

export interface Invitation {
  readonly address: Address
  readonly organisation: string
  readonly kind: RecipientKind
  readonly phone: string
  readonly retentionDays: number
  /** They count once somebody else has approved the recipient. Default: none. */
  readonly attestations?: readonly NewAttestation[]
}

/** A fingerprint for machines and for people: hex, hex in groups of four, and one word for each octet. */
export interface ShownFingerprint {
  readonly fingerprint: string
  readonly groups: string
  readonly words: readonly string[]
}

export interface Proposal extends ShownFingerprint {
  readonly id: ProposalId
  readonly state: ProposalState
  readonly encryptionSubkey: string
  readonly algorithm: string
  readonly format: Format
  readonly expiresAt: Date | null
  readonly source: ProposalSource
  /** The active certificate, when it certified this one. */
  readonly certifiedBy: string | null
  readonly proposedAt: Date
  /** Until when the code that was mailed last is good; null when none is out. */
  readonly challengeExpiresAt: Date | null
  readonly provedAt: Date | null
  readonly verifiedBy: OperatorId | null
  readonly verifiedMeans: VerificationMeans | null
  readonly verifiedAt: Date | null
  readonly changeRequest: ChangeRequestId | null
  readonly approvedAt: Date | null
  readonly activatesAt: Date | null
  readonly activatedAt: Date | null
  readonly droppedAt: Date | null
  readonly droppedFor: string | null
}

export interface HeldCertificate extends ShownFingerprint {
  /** Two can be of one fingerprint, and differ by this. */
  readonly encryptionSubkey: string
  readonly algorithm: string
  readonly format: Format
  readonly state: 'active' | 'retired' | 'revoked'
  readonly acceptedAt: Date
  readonly expiresAt: Date | null
  readonly finishUntil: Date | null
  readonly revokedAt: Date | null
}

/** What has to happen next for this recipient to have the certificate that they want to have. */
export type EnrolmentStep =
  | 'propose' // the recipient: give a certificate
  | 'prove' // the recipient: return the code
  | 'verify' // an admin: compare the fingerprint
  | 'approve' // a second operator: approve
  | 'wait' // nobody: the cooling-off runs
  | 'none' // nothing is under way, and a certificate is active
  | 'ended' // unenrolled

/** For the recipient's own page. */
export interface RecipientView {
  readonly recipient: Pick<Recipient, 'id' | 'address' | 'organisation' | 'kind' | 'state'>
  readonly step: EnrolmentStep
  /** The open proposal. */
  readonly proposal: Proposal | null
  readonly active: HeldCertificate | null
}

/** For operators. */
export interface RecipientDetails extends Recipient {
  readonly step: EnrolmentStep
  readonly proposals: readonly Proposal[]
  readonly certificates: readonly HeldCertificate[]
  readonly attestations: readonly Attestation[]
  /** Kinds of attestation that are required and not given, or no longer valid; `aoc` stands for `aoc` or `saq`. */
  readonly missing: readonly AttestationKind[]
}

/** A line of the list of recipients. */
export interface RecipientSummary extends Recipient {
  readonly certificate: string | null
  readonly certificateExpiresAt: Date | null
  readonly proposal: ProposalState | null
}

export interface RecipientFilter {
  readonly state?: RecipientState
  readonly kind?: RecipientKind
  /** Exactly this organisation. */
  readonly organisation?: string
  /** What the address or the organisation begins with, in whatever case. */
  readonly q?: string
  /** Whose active certificate or attestations end before this. */
  readonly expiringBefore?: Date
}

export interface Page {
  /** 1 to 200. */
  readonly limit: number
  /** The id of the last one of the page before. */
  readonly after?: RecipientId
}

/**
 * The answer to a proposed certificate. `rejected`: nothing of it was kept. `proposed`: a code is on its way.
 * `extended`: it is the active certificate with a new end. `unchanged`: it is the active certificate. `revoked`: it
 * is the active certificate, revoked by its owner, and so it is revoked here.
 */
export type ProposeOutcome =
  | {
      readonly outcome: 'rejected'
      readonly verdict: CertificateVerdict
      readonly reasons: readonly Reason[]
    }
  | {
      readonly outcome: 'proposed'
      readonly verdict: CertificateVerdict
      readonly proposal: Proposal
      /** When a policy that is scheduled will refuse it, and why. */
      readonly cutOff: { readonly at: Date; readonly reasons: readonly Reason[] } | null
    }
  | { readonly outcome: 'extended' | 'unchanged' | 'revoked'; readonly fingerprint: string }

export interface Reason {
  readonly code: CertificateReason
  readonly sentence: string
  readonly remedy: string
}

export interface ImportedLine {
  /** From 1; the header is line 1. */
  readonly line: number
  /** The recipient, when the line was taken. */
  readonly recipient: RecipientId | null
  /** `ok`, or why not. */
  readonly code: 'ok' | 'invalid_request' | 'name_taken'
  /** Names of columns, with a code each. */
  readonly errors: readonly { readonly column: string; readonly code: string }[]
}

export interface ImportReport {
  readonly invited: number
  readonly refused: number
  readonly lines: readonly ImportedLine[]
}
