export type { Acting, EnrolmentDependencies } from './dependencies.ts'
export { type ProposalState, type RecipientState } from './enrolment.ts'
export { type Enrolment, openEnrolment, type Visitor } from './open-enrolment.ts'
export { checkStillUsable } from './recheck.ts'
export type {
  Attestation,
  AttestationKind,
  EnrolmentStep,
  HeldCertificate,
  ImportedLine,
  ImportReport,
  Invitation,
  NewAttestation,
  Page,
  Proposal,
  ProposalSource,
  ProposeOutcome,
  Reason,
  Recipient,
  RecipientDetails,
  RecipientFilter,
  RecipientKind,
  RecipientSummary,
  RecipientView,
  ShownFingerprint,
  VerificationMeans,
} from './recipient.ts'
export { attestationKinds, recipientKinds, suspensionReasons, verificationMeans } from './recipient.ts'
export {
  type Resolution,
  type ResolvedRecipient,
  resolveRecipients,
} from './resolve.ts'
export type { Pin } from './store.ts'
export {
  openUpkeep,
  runRefresh,
  runUpkeep,
  type Upkeep,
  type UpkeepDependencies,
  type UpkeepReport,
} from './upkeep/upkeep.ts'
