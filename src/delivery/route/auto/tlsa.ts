import type { Dns, DnsAnswer } from '../../../platform/dns/index.ts'
import { isUsable } from '../../verdict/dane.ts'
import type { TlsaFinding } from '../report.ts'

/**
 * The TLSA records of a mail server, where DNSSEC proves everything on the way to them (RFC 7672 section 2.2). Where it
 * does not, they are not even asked for: what an unsigned zone answers there means nothing.
 */
export async function findTlsa(
  dns: Dns,
  host: string,
  port: number,
  { mxSecure, addresses }: { readonly mxSecure: boolean; readonly addresses: DnsAnswer<string> },
): Promise<TlsaFinding> {
  if (!mxSecure) return { kind: 'not_asked', why: 'mx_insecure' }
  if (addresses.kind !== 'found') return { kind: 'not_asked', why: 'no_addresses' }
  const bases = await basesOf(dns, host, addresses)
  if (bases === 'failed') return { kind: 'failed' }
  if (bases.length === 0) return { kind: 'not_asked', why: 'addresses_insecure' }
  let proved = true
  for (const base of bases) {
    const answer = await dns.tlsa(`_${port}._tcp.${base}`)
    // Whoever can make this fail could otherwise make us do with less.
    if (answer.kind === 'failed') return { kind: 'failed' }
    if (answer.kind === 'found' && answer.secure) {
      const usable = answer.records.filter(isUsable)
      return { kind: 'found', base, usable, unusable: answer.records.filter(record => !isUsable(record)) }
    }
    proved &&= answer.secure
  }
  return { kind: 'none', secure: proved }
}

/**
 * Where TLSA records may be, the best place first (RFC 7672 section 2.2.2): of an alias, the name that it leads to, then
 * its own; only its own when what it leads to is not signed.
 */
async function basesOf(
  dns: Dns,
  host: string,
  { canonical, secure }: Extract<DnsAnswer<string>, { kind: 'found' }>,
): Promise<readonly string[] | 'failed'> {
  if (canonical === host) return secure ? [host] : []
  if (secure) return [canonical, host]
  const alias = await dns.alias(host)
  if (alias.kind === 'failed') return 'failed'
  return alias.kind === 'found' && alias.secure ? [host] : []
}
