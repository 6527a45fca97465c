export { type Evidence, type EvidenceWish, evidenceOf } from './evidence.ts'
export { type Issued, issueEvidence } from './issue.ts'
