import 'reflect-metadata' // @peculiar/x509 throws unless this came first
import type { X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { certificatesOf, flawed } from './certificates.ts'

/** The certificates that one CA has revoked, its signature verified (RFC 5280 section 5). */
export interface RevocationList {
  readonly issuer: X509Certificate
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly serials: ReadonlySet<bigint>
}

/**
 * Reads lists of revoked certificates that go with a file of CAs. Throws `tls_material_refused` unless every CA has a
 * list, every list is one of these CAs' own, and each is fresh at `now`: OpenSSL would refuse everybody later on.
 */
export async function readRevocationLists(
  crlPem: string,
  caPem: string,
  now: Date,
): Promise<readonly RevocationList[]> {
  const authorities = certificatesOf(caPem, 'ca_unreadable')
  const lists = await Promise.all(parse(crlPem).map(list => verified(list, authorities, now)))
  const uncovered = authorities.some(ca =>
    lists.every(({ issuer }) => issuer.fingerprint256 !== ca.fingerprint256),
  )
  if (uncovered) throw flawed('crl_missing')
  return lists
}

/** When each list of a PEM text ends, whoever signed it. Empty when they cannot be read. */
export function nextUpdatesOf(pem: string): readonly Date[] {
  try {
    return parse(pem).flatMap(({ nextUpdate }) => nextUpdate ?? [])
  } catch {
    return []
  }
}

/** Whether any of these lists names a certificate that `issuer` made. */
export function isRevoked(
  certificate: X509Certificate,
  issuer: X509Certificate,
  lists: readonly RevocationList[],
): boolean {
  const serial = BigInt(`0x${certificate.serialNumber}`)
  return lists.some(list => list.issuer.publicKey.equals(issuer.publicKey) && list.serials.has(serial))
}

function parse(pem: string): readonly x509.X509Crl[] {
  try {
    const blocks = pem.match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g) ?? []
    if (blocks.length > 0) return blocks.map(block => new x509.X509Crl(block))
  } catch (cause) {
    throw flawed('crl_unreadable', cause)
  }
  throw flawed('crl_unreadable')
}

async function verified(
  list: x509.X509Crl,
  authorities: readonly X509Certificate[],
  now: Date,
): Promise<RevocationList> {
  const named = authorities
    .map(node => ({ node, parsed: new x509.X509Certificate(node.raw) }))
    .filter(({ parsed }) => sameBytes(parsed.subjectName.toArrayBuffer(), list.issuerName.toArrayBuffer()))
  if (named.length === 0) throw flawed('crl_of_unknown_ca')
  const { thisUpdate, nextUpdate } = list
  for (const { node, parsed } of named) {
    if (!(await list.verify({ publicKey: parsed }).catch(() => false))) continue
    if (thisUpdate > now) throw flawed('crl_not_yet_valid')
    if (nextUpdate === undefined || nextUpdate <= now) throw flawed('crl_expired')
    const serials = new Set(list.entries.map(({ serialNumber }) => BigInt(`0x${serialNumber}`)))
    return { issuer: node, thisUpdate, nextUpdate, serials }
  }
  throw flawed('crl_signature_wrong')
}

function sameBytes(one: ArrayBuffer, other: ArrayBuffer): boolean {
  return Buffer.from(one).equals(Buffer.from(other))
}
