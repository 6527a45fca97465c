/** Whether certificates of servers were revoked: stapled OCSP responses (RFC 6960), lists of their CAs (RFC 5280). */
export type { Revocation, RevocationCheck } from './revocation.ts'
