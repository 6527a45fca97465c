import { children, content, encoded, expectTag, inner, NotDer, only, tags } from './der.ts'
import { type Extension, extensions, valueOf } from './extensions.ts'
import { hasBit, oid, wholeBits } from './values.ts'

/** What Node does not tell of a certificate. */
export interface CertificateParts {
  /** Content octets of the serial number. */
  readonly serial: Buffer
  /** Names, DER. */
  readonly issuer: Buffer
  readonly subject: Buffer
  /** The octets of the key itself, which OCSP hashes (RFC 6960 section 4.1.1). */
  readonly key: Buffer
  readonly extensions: ReadonlyMap<string, Extension>
}

/** Throws when `raw` is not a certificate of version 3. */
export function readCertificate(raw: Buffer): CertificateParts {
  const [tbs, , , ...more] = children(only(raw, tags.sequence))
  const [version, serial, , issuer, , subject, spki, ...rest] = children(expectTag(tbs, tags.sequence))
  expectTag(version, tags.nested(0))
  const [, bits] = children(expectTag(spki, tags.sequence))
  if (more.length > 0 || bits === undefined) throw new NotDer('no certificate')
  const last = rest.find(({ tag }) => tag === tags.nested(3))
  return {
    serial: content(expectTag(serial, tags.integer)),
    issuer: encoded(expectTag(issuer, tags.sequence)),
    subject: encoded(expectTag(subject, tags.sequence)),
    key: wholeBits(bits),
    extensions: last === undefined ? new Map<string, Extension>() : extensions(inner(last, tags.sequence)),
  }
}

const keyUsage = '2.5.29.15'
const extendedKeyUsage = '2.5.29.37'

/** Whether the key may be used so; without the extension it may (RFC 5280 section 4.2.1.3). */
export function mayKey({ extensions }: CertificateParts, usage: 'digitalSignature' | 'cRLSign'): boolean {
  const extension = extensions.get(keyUsage)
  if (extension === undefined) return true
  return hasBit(valueOf(extension, tags.bitString), usage === 'cRLSign' ? 6 : 0)
}

/** Whether the certificate says expressly that it is for this purpose. */
export function hasPurpose({ extensions }: CertificateParts, purpose: string): boolean {
  const extension = extensions.get(extendedKeyUsage)
  if (extension === undefined) return false
  return children(valueOf(extension, tags.sequence)).some(element => oid(element) === purpose)
}
