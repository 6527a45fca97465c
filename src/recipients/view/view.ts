import type { Knex } from 'knex'
import { fingerprintWords, grouped } from '../../keys/index.ts'
import { isOpen, type RecipientState } from '../enrolment.ts'
import { openProposalOf, type ProposalRow } from '../proposal/store.ts'
import type {
  EnrolmentStep,
  HeldCertificate,
  Proposal,
  Recipient,
  RecipientView,
  ShownFingerprint,
} from '../recipient.ts'
import { type CertificateRow, certificatesOf } from '../standing/store.ts'

/** What the recipient sees of themselves. It tells nothing of operators. */
export async function viewOf(knex: Knex | Knex.Transaction, recipient: Recipient): Promise<RecipientView> {
  const open = await openProposalOf(knex, recipient.id)
  const [newest] = await certificatesOf(knex, recipient.id)
  const active = newest?.state === 'active' ? newest : undefined
  const { id, address, organisation, kind, state } = recipient
  return {
    recipient: { id, address, organisation, kind, state },
    step: stepOf(state, open, active !== undefined),
    proposal: open === undefined ? null : { ...showProposal(open), verifiedBy: null, changeRequest: null },
    active: active === undefined ? null : showCertificate(active),
  }
}

export function stepOf(
  state: RecipientState,
  newest: Pick<ProposalRow, 'state'> | undefined,
  hasActive: boolean,
): EnrolmentStep {
  if (state === 'unenrolled') return 'ended'
  if (newest === undefined || !isOpen(newest.state)) return hasActive ? 'none' : 'propose'
  switch (newest.state) {
    case 'proposed':
      return 'prove'
    case 'proved':
      return 'verify'
    case 'verified':
      return 'approve'
    default:
      return 'wait'
  }
}

/** Without what concerns the code alone. */
export function showProposal(row: ProposalRow): Proposal {
  return {
    id: row.id,
    state: row.state,
    ...showFingerprint(row.fingerprint),
    encryptionSubkey: row.encryptionSubkey,
    algorithm: row.algorithm,
    format: row.format,
    expiresAt: row.expiresAt,
    source: row.source,
    certifiedBy: row.certifiedBy,
    proposedAt: row.proposedAt,
    challengeExpiresAt: row.state === 'proposed' ? row.nonceExpiresAt : null,
    provedAt: row.provedAt,
    verifiedBy: row.verifiedBy,
    verifiedMeans: row.verifiedMeans,
    verifiedAt: row.verifiedAt,
    changeRequest: row.changeRequest,
    approvedAt: row.approvedAt,
    activatesAt: row.activatesAt,
    activatedAt: row.activatedAt,
    droppedAt: row.droppedAt,
    droppedFor: row.droppedFor,
  }
}

export function showCertificate(row: CertificateRow): HeldCertificate {
  const { algorithm, format, state, acceptedAt, expiresAt, finishUntil, revokedAt } = row
  const { encryptionSubkey } = row
  const shown = { encryptionSubkey, algorithm, format, state, acceptedAt, expiresAt, finishUntil, revokedAt }
  return { ...shown, ...showFingerprint(row.fingerprint) }
}

/** The one form in which both sides see a fingerprint, so that they can compare it aloud. */
function showFingerprint(fingerprint: string): ShownFingerprint {
  return { fingerprint, groups: grouped(fingerprint), words: fingerprintWords(fingerprint) }
}
