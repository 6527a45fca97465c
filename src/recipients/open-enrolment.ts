import type { Knex } from 'knex'
import type {
  Address,
  ChangeRequestId,
  Clock,
  OperatorId,
  ProposalId,
  RecipientCode,
  RecipientId,
} from '../kernel/index.ts'
import type { Policy } from '../policy/index.ts'
import type { CertificatePolicy, CertificateVerdict, SealerPool } from '../sealer/host/index.ts'
import type {
  ImportReport,
  Invitation,
  NewAttestation,
  Page,
  ProposeOutcome,
  ProposalSource,
  Recipient,
  RecipientDetails,
  RecipientFilter,
  RecipientSummary,
  RecipientView,
  SuspensionReason,
  VerificationMeans,
} from './recipient.ts'

/** Who acts: an operator, who then needs the role `admin`; the host's command line; or the gateway by itself. */
export type Acting = ActingOperator | 'host' | 'gateway'

export interface ActingOperator {
  readonly id: OperatorId
  readonly roles: readonly string[]
}

export interface AskedChange {
  readonly id: ChangeRequestId
  readonly kind: string
  readonly subject: string
  readonly body: unknown
  readonly askedBy: OperatorId
}

/** Whoever opens a page: their IP address, for the audit log, and the cookie of their page, when they have one. */
export interface Visitor {
  readonly peer: string
  readonly session?: string | undefined
}

export interface EnrolmentDependencies {
  readonly knex: Knex
  readonly clock: Clock
  /** Where tokens and codes come from. Default: `randomBytes`. */
  readonly random?: (size: number) => Uint8Array
  readonly inspector: {
    inspect(
      bytes: Uint8Array,
      address: Address,
      at: Date,
      policy: CertificatePolicy,
      certifier?: Uint8Array,
    ): Promise<CertificateVerdict>
    revokes(bytes: Uint8Array, certificate: Uint8Array): Promise<boolean>
  }
  /** What seals the mail with the code. Undefined on a replica that does not seal: a proposal then throws `sealed`. */
  readonly sealer: Pick<SealerPool, 'seal'> | undefined
  readonly stop: (
    trx: Knex.Transaction,
    clock: Clock,
    which: { certificate: string } | { recipient: RecipientId },
    code: RecipientCode,
  ) => Promise<number>
  readonly sender: { from: Address; mailHost: string; publicUrl: string; organisation: string }
  /** The policy in force. Throws `sending_not_approved`. */
  readonly policy: () => Promise<Policy>
}

/**
 * Everything that happens to a recipient. What an operator does needs the role `admin` (`role_missing`); what does not
 * fit the state machine throws `state_conflict`; an unknown id throws `not_found`; a form that is wrong throws
 * `invalid_request` with pointers. Each step commits with its events, or nothing of it happened.
 */
export interface Enrolment {
  /** Mails a link. Throws `name_taken` when the address is enrolled. */
  invite(by: Acting, invitation: Invitation): Promise<Recipient>
  /** Invites by CSV; see `import-csv.ts`. A bad line harms no other. Throws `invalid_request` for the file as a whole. */
  importCsv(by: Acting, text: string): Promise<ImportReport>
  /** Mails a new link; older links and pages end. Also how a replacement is asked for. */
  renewLink(by: Acting, recipient: RecipientId): Promise<void>
  /** Uses up a link. Throws `link_invalid`, audited. The session lives 24 hours. */
  openLink(token: string, peer: string): Promise<{ session: string; recipient: Recipient }>
  /** Throws `link_invalid`. */
  recipientOf(session: string | undefined): Promise<RecipientView>
  /**
   * Judges a certificate, and when it is good, mails a code that only its private key can read. Throws `link_invalid`,
   * `sending_not_approved`, `sealed`, `certificate_in_use`, `too_many_requests`, and what the sealer throws.
   */
  propose(
    from: { readonly session: string | undefined } | { readonly recipient: RecipientId },
    bytes: Uint8Array,
    source: ProposalSource,
  ): Promise<ProposeOutcome>
  /** Mails another code; the one before is void. Throws `too_many_requests` within a minute. */
  challengeAgain(session: string | undefined): Promise<RecipientView>
  /** Takes the code, typed or from the link. Throws `possession_not_proved`, audited. */
  prove(code: string, from: Visitor): Promise<RecipientView>
  /** Records how the fingerprint was compared, and asks for `recipient.activate` in the name of the same operator. */
  verifyFingerprint(
    operator: ActingOperator,
    proposal: ProposalId,
    means: VerificationMeans,
  ): Promise<AskedChange>
  /** Drops a proposal. */
  reject(operator: ActingOperator, proposal: ProposalId): Promise<void>
  suspend(by: Acting, recipient: RecipientId, reason: SuspensionReason): Promise<void>
  unenrol(by: Acting, recipient: RecipientId): Promise<void>
  askReinstate(operator: ActingOperator, recipient: RecipientId): Promise<AskedChange>
  askAttest(
    operator: ActingOperator,
    recipient: RecipientId,
    attestations: readonly NewAttestation[],
  ): Promise<AskedChange>
  /** For `openApprovals`. Each throws `state_conflict` when what was asked no longer fits. */
  applyActivation(trx: Knex.Transaction, change: AskedChange, approver: ActingOperator): Promise<void>
  applyReinstate(trx: Knex.Transaction, change: AskedChange, approver: ActingOperator): Promise<void>
  applyAttest(trx: Knex.Transaction, change: AskedChange, approver: ActingOperator): Promise<void>
  /** Activates what waited for the end of its cooling-off. How many it were. */
  activateDue(now: Date): Promise<number>
  /** From the link in any mail: revokes what is active and drops what is proposed. Throws `link_invalid`, audited. */
  revokeByLink(
    token: string,
    reason: 'compromised' | 'superseded' | 'retired' | 'left' | 'unknown',
    peer: string,
  ): Promise<{ revoked: readonly string[] }>
  /** A revocation of one of the recipient's certificates, as a file. `false`: it is none. */
  revokeByUpload(session: string | undefined, bytes: Uint8Array): Promise<boolean>
  list(filter: RecipientFilter, page: Page): Promise<readonly RecipientSummary[]>
  show(recipient: RecipientId): Promise<RecipientDetails>
}

export function openEnrolment(_dependencies: EnrolmentDependencies): Enrolment {
  throw new Error('under construction')
}
