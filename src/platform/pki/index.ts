/**
 * The certificate maker: a small private CA for `sealpost pki init`, the demo and the tests. ECDSA P-256.
 * It keeps no list of what it issued and revokes nothing; an estate with a CA of its own uses that instead.
 */
export { createAuthority, type Identity } from './issue.ts'
export { issueClientCertificate, issueServerCertificate } from './purposes.ts'
