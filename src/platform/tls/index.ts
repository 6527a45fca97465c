/** TLS of our own side: the profile, and whether our certificates, keys, CAs and lists can be used. */
export { certificatesOf, fingerprintOf, flawed, type MaterialFlaw } from './certificates.ts'
export { type ClientTrust, readTrust, type Standing, standingUnder } from './client-trust.ts'
export { nextUpdatesOf } from './crl.ts'
export { encryptedClientHello } from './ech.ts'
export { judgeClientIdentity, judgeIdentity } from './identity.ts'
export { tlsProfile } from './profile.ts'
export type { ServerIdentity } from './rehearse.ts'
export { watchFiles } from './watch.ts'
