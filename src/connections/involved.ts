import { certificatesOf, fingerprintOf, nextUpdatesOf } from '../platform/tls/index.ts'
import type { Involved } from './connection.ts'

/** Of a PEM text; none when it cannot be read, which `doctor` says. */
export function readCertificates(
  what: 'own' | 'client' | 'ca',
  pem: string,
  domain?: string,
): readonly Involved[] {
  try {
    return certificatesOf(pem, 'certificate_unreadable').map(certificate => ({
      what,
      ...(domain === undefined ? {} : { domain }),
      sha256: fingerprintOf(certificate),
      endsAt: certificate.validToDate,
    }))
  } catch {
    return []
  }
}

export function readLists(pem: string | undefined): readonly Involved[] {
  if (pem === undefined) return []
  return nextUpdatesOf(pem).map(endsAt => ({ what: 'crl', sha256: null, endsAt }))
}
