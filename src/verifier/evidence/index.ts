export { type Answers, answersOf, type Derived } from './answers.ts'
export type { DeliveryAnswer, HistoryStep, StandingStep } from './delivery.ts'
export type { Enrolment } from './enrolment.ts'
export { type EvidenceFile, evidenceFormat, type ProvenLeaf, renderEvidence } from './file.ts'
export type { Leaf } from './trail.ts'
export {
  type EvidenceFinding,
  type EvidenceFindingCode,
  type EvidenceOptions,
  type EvidenceReport,
  type Kept,
  verifyEvidence,
} from './verify.ts'
export type { Decision, Step, Who } from './who.ts'
