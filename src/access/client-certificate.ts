import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

/** Why a client's certificate does not identify it. Each is audited as `client.refused`. */
export type ClientRefusal =
  | 'no_certificate'
  | 'untrusted_certificate'
  | 'revoked_certificate'
  /** No list of revoked certificates speaks about it, or only one that has ended. */
  | 'revocation_unknown'
  | 'foreign_certificate'
  | 'not_a_client_certificate'
  | 'no_usable_name'

export type ClientIdentity =
  | { readonly verified: true; readonly names: readonly string[]; readonly certificate: X509Certificate }
  | { readonly verified: false; readonly reason: ClientRefusal }

const clientAuthentication = '1.3.6.1.5.5.7.3.2'

/**
 * Who is at the other end, from the certificate that this very connection proved possession of: only after the chain
 * was verified against the private CA and its lists, with the clientAuth extended key usage, and only by DNS or URI
 * names (ASVS 5.0 12.3.5). Never from a header. `isForeign` tells certificates of other environments.
 */
export function identifyClient(
  socket: TLSSocket,
  isForeign: (certificate: X509Certificate) => boolean,
): ClientIdentity {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return refused('no_certificate')
  if (!socket.authorized) return refused(reasonOf(socket.authorizationError))
  if (chainOf(certificate).some(isForeign)) return refused('foreign_certificate')
  // `keyUsage` is Node's name for the extended key usages; undefined, whatever the types say, when there are none.
  const usages = certificate.keyUsage as readonly string[] | undefined
  if (certificate.ca || !usages?.includes(clientAuthentication)) return refused('not_a_client_certificate')
  // Node quotes names that hold a separator; such names are odd enough to be no names at all.
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter(name => /^(?:DNS|URI):[!-~]+$/.test(name) && !name.includes('"'))
  return names.length === 0 ? refused('no_usable_name') : { verified: true, names, certificate }
}

/** As it came with the handshake; of a resumed session the leaf alone is known. */
function chainOf(leaf: X509Certificate): readonly X509Certificate[] {
  const chain = [leaf]
  for (
    let next = leaf.issuerCertificate;
    next !== undefined && chain.length < 8;
    next = next.issuerCertificate
  ) {
    chain.push(next)
  }
  return chain
}

/** Node gives the code of OpenSSL, as an Error or as the bare name. */
function reasonOf(error: unknown): ClientRefusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  if (code === 'CERT_REVOKED') return 'revoked_certificate'
  return /CRL/.test(code) ? 'revocation_unknown' : 'untrusted_certificate'
}

function refused(reason: ClientRefusal): ClientIdentity {
  return { verified: false, reason }
}
