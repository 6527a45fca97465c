/** Whether certificates of servers were revoked: stapled OCSP responses (RFC 6960), lists of their CAs (RFC 5280). */
export { openRevocation } from './check.ts'
export type { ListStore } from './crl/lists.ts'
export { openSignedFetch, type SignedFetch, type SignedFetchOptions } from './fetch.ts'
export type { Revocation, RevocationCheck } from './revocation.ts'
export { openStapler, type Stapler } from './stapler.ts'
export { listStore } from './store.ts'
