import type { TLSSocket } from 'node:tls'

/** Why a client's certificate does not identify it. Each is audited as `client.refused`. */
export type ClientRefusal =
  | 'no_certificate'
  | 'untrusted_certificate'
  | 'not_a_client_certificate'
  | 'no_usable_name'

export type ClientIdentity =
  | { readonly verified: true; readonly names: readonly string[] }
  | { readonly verified: false; readonly reason: ClientRefusal }

const clientAuthentication = '1.3.6.1.5.5.7.3.2'

/**
 * Who is at the other end, from the certificate that this very connection proved possession of: only after the chain
 * was verified against the private CA, with the clientAuth extended key usage, and only by DNS or URI names
 * (ASVS 5.0 12.3.5). Never from a header.
 */
export function identifyClient(socket: TLSSocket): ClientIdentity {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return refused('no_certificate')
  if (!socket.authorized) return refused('untrusted_certificate')
  // `keyUsage` is Node's name for the extended key usages.
  if (certificate.ca || certificate.keyUsage.every(usage => usage !== clientAuthentication)) {
    return refused('not_a_client_certificate')
  }
  // Node quotes names that hold a separator; such names are odd enough to be no names at all.
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter(name => /^(?:DNS|URI):[!-~]+$/.test(name) && !name.includes('"'))
  return names.length === 0 ? refused('no_usable_name') : { verified: true, names }
}

function refused(reason: ClientRefusal): ClientIdentity {
  return { verified: false, reason }
}
