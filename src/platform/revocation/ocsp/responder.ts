import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { type CertificateParts, hasPurpose, mayKey, readCertificate } from '../asn1/certificate.ts'
import {
  children,
  content,
  type Element,
  encoded,
  expectTag,
  inner,
  NotDer,
  only,
  tags,
} from '../asn1/der.ts'
import { refuseCritical } from '../asn1/extensions.ts'
import { isSigned } from '../asn1/signature.ts'
import { wholeBits } from '../asn1/values.ts'
import type { Issuer } from '../crl/read.ts'

const ocspSigning = '1.3.6.1.5.5.7.3.9'
const noCheck = '1.3.6.1.5.5.7.48.1.5'
const understood = ['2.5.29.15', '2.5.29.19', '2.5.29.37', noCheck]

/**
 * The key that a ResponderID stands for: the issuer's own, or that of a certificate which came along and which the issuer
 * itself made for this purpose (RFC 6960 section 4.2.2.2). Throws when it is neither.
 */
export async function responderKey(
  id: Element,
  sent: readonly Buffer[],
  issuer: Issuer,
  now: Date,
): Promise<KeyObject> {
  if (isNamed(id, issuer.parts)) return issuer.key
  for (const raw of sent) {
    const parts = readCertificate(raw)
    if (isNamed(id, parts)) return delegated(raw, parts, issuer, now)
  }
  throw new NotDer('nobody known')
}

/** By the algorithms that are accepted here, which OpenSSL's are more than. */
function isMadeBy(raw: Buffer, key: KeyObject): Promise<boolean> {
  const [signed, algorithm, signature] = children(only(raw, tags.sequence))
  const tbs = encoded(expectTag(signed, tags.sequence))
  return isSigned(
    tbs,
    expectTag(algorithm, tags.sequence),
    wholeBits(expectTag(signature, tags.bitString)),
    key,
  )
}

function isNamed(id: Element, parts: CertificateParts): boolean {
  if (id.tag === tags.nested(1)) return encoded(inner(id, tags.sequence)).equals(parts.subject)
  if (id.tag !== tags.nested(2)) throw new NotDer('nobody')
  const hash = createHash('sha1').update(parts.key).digest()
  return content(inner(id, tags.octetString)).equals(hash)
}

async function delegated(
  raw: Buffer,
  parts: CertificateParts,
  issuer: Issuer,
  now: Date,
): Promise<KeyObject> {
  const certificate = new X509Certificate(raw)
  const isIssued = parts.issuer.equals(issuer.parts.subject) && (await isMadeBy(raw, issuer.key))
  const isInTime = certificate.validFromDate <= now && now <= certificate.validToDate
  refuseCritical(parts.extensions, understood)
  const isMeant = hasPurpose(parts, ocspSigning) && mayKey(parts, 'digitalSignature')
  // Who may be asked whether the responder itself was revoked? Only one for whom its CA answered that beforehand.
  if (!isIssued || !isInTime || !isMeant || !parts.extensions.has(noCheck)) throw new NotDer('no delegate')
  return certificate.publicKey
}
