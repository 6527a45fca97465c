import { createHash } from 'node:crypto'
import type { TlsaRecord } from '../../../platform/dns/index.ts'
import type { Anchor } from '../../verdict/dane.ts'

export type Anchors = readonly [Anchor, ...Anchor[]]

/**
 * Anchors that servers showed, by the digest of the records that they fit. What DNS says is in the key, and OpenSSL verifies
 * each time: the memory saves a handshake and decides nothing, so the whole process may share it.
 */
const known = new Map<string, Anchors>()
const most = 256

export function knownAnchors(records: readonly TlsaRecord[]): Anchors | undefined {
  return known.get(keyOf(records))
}

export function rememberAnchors(records: readonly TlsaRecord[], anchors: Anchors): void {
  const [oldest] = known.keys()
  if (known.size >= most && oldest !== undefined) known.delete(oldest)
  known.set(keyOf(records), anchors)
}

export function forgetAnchors(records: readonly TlsaRecord[]): void {
  known.delete(keyOf(records))
}

function keyOf(records: readonly TlsaRecord[]): string {
  const text = records.map(({ usage, selector, matchingType, data }) =>
    [usage, selector, matchingType, data].join(' '),
  )
  return createHash('sha256').update(text.sort().join('\n')).digest('base64')
}
