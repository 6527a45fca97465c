import { createHash } from 'node:crypto'
import type { CertificateParts } from '../asn1/certificate.ts'
import { children, content, der, type Element, expectTag, NotDer, tags } from '../asn1/der.ts'
import { oid } from '../asn1/values.ts'

const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
const sha1 = Buffer.from('300906052b0e03021a0500', 'hex')

/** Whether a CertID (RFC 6960 section 4.1.1) is that of `subject`, made by `issuer`. */
export function identifies(id: Element, subject: CertificateParts, issuer: CertificateParts): boolean {
  const [algorithm, nameHash, keyHash, serial, ...more] = children(expectTag(id, tags.sequence))
  const hash = hashes[oid(children(expectTag(algorithm, tags.sequence))[0])]
  if (hash === undefined || more.length > 0) throw new NotDer('a certificate identified in an unknown way')
  const digest = (bytes: Buffer): Buffer => createHash(hash).update(bytes).digest()
  return (
    content(expectTag(serial, tags.integer)).equals(subject.serial) &&
    content(expectTag(nameHash, tags.octetString)).equals(digest(issuer.subject)) &&
    content(expectTag(keyHash, tags.octetString)).equals(digest(issuer.key))
  )
}

/**
 * A request for one certificate, without a nonce so that the answer can be kept (RFC 5019). SHA-1 says which certificate
 * is meant, and nothing rests on it: it is the one hash that every responder knows.
 */
export function ocspRequest(subject: CertificateParts, issuer: CertificateParts): Buffer {
  const digest = (bytes: Buffer): Buffer => createHash('sha1').update(bytes).digest()
  const id = der(
    tags.sequence,
    sha1,
    der(tags.octetString, digest(issuer.subject)),
    der(tags.octetString, digest(issuer.key)),
    der(tags.integer, subject.serial),
  )
  const list = der(tags.sequence, der(tags.sequence, id))
  return der(tags.sequence, der(tags.sequence, list))
}
