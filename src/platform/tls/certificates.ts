import { createHash, X509Certificate } from 'node:crypto'
import { SealpostError } from '../../kernel/index.ts'

/** Why a file of ours cannot be used, as it is said in the log, in events and by `doctor`. */
export type MaterialFlaw =
  | 'certificate_unreadable'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'certificate_of_a_ca'
  | 'certificate_without_names'
  | 'certificate_not_for_servers'
  | 'certificate_key_weak'
  | 'chain_broken'
  | 'key_unreadable'
  | 'key_of_another_certificate'
  | 'handshake_failed'
  | 'not_publicly_trusted'
  | 'foreign_certificate'
  | 'ca_unreadable'
  | 'ca_expired'
  | 'ca_not_a_ca'
  | 'crl_unreadable'
  | 'crl_missing'
  | 'crl_of_unknown_ca'
  | 'crl_signature_wrong'
  | 'crl_expired'
  | 'crl_not_yet_valid'

export function flawed(flaw: MaterialFlaw, cause?: unknown): SealpostError {
  return new SealpostError('tls_material_refused', { detail: flaw, cause })
}

/** The certificates of a PEM text in their order, at least one. Throws `tls_material_refused` with this flaw. */
export function certificatesOf(
  pem: string,
  flaw: MaterialFlaw,
): readonly [X509Certificate, ...X509Certificate[]] {
  try {
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    const [first, ...rest] = blocks.map(block => new X509Certificate(block))
    if (first !== undefined) return [first, ...rest]
  } catch (cause) {
    throw flawed(flaw, cause)
  }
  throw flawed(flaw)
}

/** Of the DER, lower-case hex. */
export function fingerprintOf(certificate: { readonly raw: Uint8Array }): string {
  return createHash('sha256').update(certificate.raw).digest('hex')
}

/** Whether `issuer` made this certificate: by names and by signature. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

export function isValidAt(certificate: X509Certificate, now: Date): boolean {
  return certificate.validFromDate <= now && now < certificate.validToDate
}
