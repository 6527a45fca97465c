export {
  type Answers,
  answersOf,
  type Decision,
  type DeliveryAnswer,
  type Enrolment,
  type EvidenceFile,
  type EvidenceFinding,
  type EvidenceFindingCode,
  type EvidenceOptions,
  type EvidenceReport,
  evidenceFormat,
  type HistoryStep,
  type Kept,
  type Leaf,
  type ProvenLeaf,
  renderEvidence,
  type Step,
  verifyEvidence,
  type Who,
} from './evidence/index.ts'
export { type VerifyOptions, verifyExport } from './export.ts'
export { type Note, readNotes } from './reading/notes.ts'
export type { Caution, Finding, FindingCode, Report } from './report.ts'
