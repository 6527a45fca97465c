import type { X509Certificate } from 'node:crypto'
import { certificatesOf, fingerprintOf, flawed, isIssuedBy, isValidAt } from './certificates.ts'
import { isRevoked, type RevocationList, readRevocationLists } from './crl.ts'

/** Whose certificates are accepted, and which of them are not any more. */
export interface ClientTrust {
  readonly authorities: readonly X509Certificate[]
  /** Undefined when revocation is not asked for. */
  readonly lists: readonly RevocationList[] | undefined
  readonly foreign: readonly string[]
}

/** Reads the CAs of clients (or of one server) and their lists. Throws `tls_material_refused` with the flaw. */
export async function readTrust(
  caPem: string,
  crlPem: string | undefined,
  { now, foreign }: { readonly now: Date; readonly foreign: readonly string[] },
): Promise<ClientTrust> {
  const authorities = certificatesOf(caPem, 'ca_unreadable')
  if (authorities.some(ca => foreign.includes(fingerprintOf(ca)))) throw flawed('foreign_certificate')
  if (authorities.some(({ ca }) => !ca)) throw flawed('ca_not_a_ca')
  if (authorities.some(ca => !isValidAt(ca, now))) throw flawed('ca_expired')
  const lists = crlPem === undefined ? undefined : await readRevocationLists(crlPem, caPem, now)
  return { authorities, lists, foreign }
}

/** What became of a client that was verified once. */
export type Standing = 'good' | 'revoked_certificate' | 'foreign_certificate' | 'untrusted_certificate'

/**
 * Judges a certificate that was verified at its handshake by what is trusted now: for connections that outlive a
 * change of CAs or lists. A chain that cannot be followed any more is not trusted; a new handshake can clear that up.
 */
export function standingUnder(trust: ClientTrust, leaf: X509Certificate, now: Date): Standing {
  let current = leaf
  for (let depth = 0; depth < 8; depth++) {
    if (trust.foreign.includes(fingerprintOf(current))) return 'foreign_certificate'
    if (!isValidAt(current, now)) return 'untrusted_certificate'
    const certificate = current
    const anchor = trust.authorities.find(ca => isIssuedBy(certificate, ca))
    const issuer = anchor ?? sentIssuer(certificate)
    if (issuer === undefined) return 'untrusted_certificate'
    if (trust.lists !== undefined) {
      if (isRevoked(certificate, issuer, trust.lists)) return 'revoked_certificate'
      if (
        trust.lists.every(list => !list.issuer.publicKey.equals(issuer.publicKey) || list.nextUpdate <= now)
      ) {
        return 'untrusted_certificate'
      }
    }
    if (anchor !== undefined && isIssuedBy(anchor, anchor)) return 'good'
    current = issuer
  }
  return 'untrusted_certificate'
}

/** The issuer as the client sent it at its handshake; Node keeps the two together. */
function sentIssuer(certificate: X509Certificate): X509Certificate | undefined {
  const issuer = certificate.issuerCertificate
  return issuer !== undefined && isIssuedBy(certificate, issuer) ? issuer : undefined
}
