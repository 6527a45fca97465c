import type { ChangeRequest, Operator, StagedChange } from '../access/index.ts'
import type { ProposalId, RecipientId } from '../kernel/index.ts'
import type { RevocationReason } from '../keys/index.ts'
import type { SuspensionReason } from '../notices/index.ts'
import { type Acting, type EnrolmentDependencies, partsOf } from './dependencies.ts'
import { openImport } from './invite/import-csv.ts'
import { openInvitations } from './invite/invite.ts'
import { openPages } from './link/pages.ts'
import { openStopping } from './link/stop.ts'
import { openActivating } from './proposal/activate.ts'
import { openApproving } from './proposal/approve.ts'
import { openProposing } from './proposal/propose.ts'
import { openProving } from './proposal/prove.ts'
import { openVerifying } from './proposal/verify.ts'
import type {
  ImportReport,
  Invitation,
  NewAttestation,
  Page,
  ProposalSource,
  ProposeOutcome,
  Recipient,
  RecipientDetails,
  RecipientFilter,
  RecipientSummary,
  RecipientView,
  VerificationMeans,
} from './recipient.ts'
import { openAsking } from './standing/asked.ts'
import { openEnding } from './standing/change.ts'
import { openLooking } from './view/look.ts'

/** Whoever opens a page: their IP address, for the audit log, and the cookie of their page, when they have one. */
export interface Visitor {
  readonly peer: string
  readonly session?: string | undefined
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
    operator: Operator,
    proposal: ProposalId,
    means: VerificationMeans,
  ): Promise<ChangeRequest>
  /** Drops a proposal. */
  reject(operator: Operator, proposal: ProposalId): Promise<void>
  suspend(by: Acting, recipient: RecipientId, reason: SuspensionReason): Promise<void>
  unenrol(by: Acting, recipient: RecipientId): Promise<void>
  askReinstate(operator: Operator, recipient: RecipientId): Promise<ChangeRequest>
  askAttest(
    operator: Operator,
    recipient: RecipientId,
    attestations: readonly NewAttestation[],
  ): Promise<ChangeRequest>
  /**
   * For `openApprovals`. Each throws `state_conflict` when what was asked no longer fits. A certificate that the policy in force
   * does not allow is `certificate_refused`, and its proposal is dropped.
   */
  applyActivation: StagedChange<'recipient.activate'>
  applyReinstate: StagedChange<'recipient.reinstate'>
  applyAttest: StagedChange<'recipient.attest'>
  /** Activates what waited for the end of its cooling-off. How many it were. */
  activateDue(now: Date): Promise<number>
  /** From the link in any mail: revokes what is active and drops what is proposed. Throws `link_invalid`, audited. */
  revokeByLink(token: string, reason: RevocationReason, peer: string): Promise<{ revoked: readonly string[] }>
  /** A revocation of one of the recipient's certificates, as a file. `false`: it is none. */
  revokeByUpload(session: string | undefined, bytes: Uint8Array): Promise<boolean>
  list(filter: RecipientFilter, page: Page): Promise<readonly RecipientSummary[]>
  show(recipient: RecipientId): Promise<RecipientDetails>
}

export function openEnrolment(dependencies: EnrolmentDependencies): Enrolment {
  const parts = partsOf(dependencies)
  return {
    ...openInvitations(parts),
    ...openImport(parts),
    ...openPages(parts),
    ...openProposing(parts),
    ...openProving(parts),
    ...openVerifying(parts),
    ...openApproving(parts),
    ...openActivating(parts),
    ...openEnding(parts),
    ...openAsking(parts),
    ...openStopping(parts),
    ...openLooking(parts),
  }
}
