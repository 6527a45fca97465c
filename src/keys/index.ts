export { explainReason, type ReasonExplanation } from './reasons.ts'
export { type Revocation, revokeCertificate } from './revoke.ts'
export { type CertificateStanding, type CertificateState, certificateRefusal } from './standing.ts'
