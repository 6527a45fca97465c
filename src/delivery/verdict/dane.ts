import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import type { TlsaRecord } from '../../platform/dns/index.ts'

const ta = 2
const ee = 3
const digests: Readonly<Record<number, { readonly name: string; readonly hexDigits: number }>> = {
  1: { name: 'sha256', hexDigits: 64 },
  2: { name: 'sha512', hexDigits: 128 },
}

/**
 * Whether a record can authenticate a mail server at all: DANE-TA(2) or DANE-EE(3) (RFC 7672 section 3.1.3 leaves the
 * others out), a selector and a matching type that RFC 6698 knows, and data of the form that they call for. What is not
 * usable is as if it were not there (RFC 7671 section 4.1).
 */
export function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  if ((usage !== ta && usage !== ee) || (selector !== 0 && selector !== 1)) return false
  if (!/^(?:[0-9a-f]{2})+$/.test(data)) return false
  if (matchingType === 0) return holds(selector, data)
  return data.length === digests[matchingType]?.hexDigits
}

/** The first usable DANE-EE(3) record that is `leaf`, or its key. Name, dates and issuer have no part in it (RFC 7671 section 5.1). */
export function matchEndEntity(
  records: readonly TlsaRecord[],
  leaf: X509Certificate,
): TlsaRecord | undefined {
  return usable(records, ee).find(record => isOf(record, leaf))
}

/** A certificate that a DANE-TA(2) record makes a trust anchor. */
export interface Anchor {
  readonly record: TlsaRecord
  readonly certificate: X509Certificate
}

/** The anchors among `chain`, the certificates above the server's own. */
export function matchAnchors(
  records: readonly TlsaRecord[],
  chain: readonly X509Certificate[],
): readonly Anchor[] {
  return usable(records, ta).flatMap(record =>
    chain.filter(certificate => isOf(record, certificate)).map(certificate => ({ record, certificate })),
  )
}

/** Whether the record holds its whole certificate (2 0 0): a server need not send it. */
export function isGiven({ selector, matchingType }: TlsaRecord): boolean {
  return selector === 0 && matchingType === 0
}

/** The anchors that stand whole in DNS. */
export function givenAnchors(records: readonly TlsaRecord[]): readonly Anchor[] {
  return usable(records, ta)
    .filter(isGiven)
    .map(record => ({ record, certificate: new X509Certificate(Buffer.from(record.data, 'hex')) }))
}

/** Whether the server's own key can be enough. */
export function hasEndEntity(records: readonly TlsaRecord[]): boolean {
  return usable(records, ee).length > 0
}

/** A record for the record: `3 1 1` and the start of its data. */
export function tlsaText({ usage, selector, matchingType, data }: TlsaRecord): string {
  return `${usage} ${selector} ${matchingType} ${data.slice(0, 64)}`
}

function usable(records: readonly TlsaRecord[], usage: number): readonly TlsaRecord[] {
  return records.filter(record => record.usage === usage && isUsable(record))
}

function isOf({ selector, matchingType, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const selected =
    selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const digest = digests[matchingType]
  return (
    data ===
    (digest === undefined ? selected : createHash(digest.name).update(selected).digest()).toString('hex')
  )
}

/** Whether the data is a certificate, or a public key. */
function holds(selector: 0 | 1, data: string): boolean {
  const der = Buffer.from(data, 'hex')
  try {
    if (selector === 0) return new X509Certificate(der).raw.equals(der)
    return createPublicKey({ key: der, type: 'spki', format: 'der' }).type === 'public'
  } catch {
    return false
  }
}
