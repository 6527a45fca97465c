/** One record set. `secure`: DNSSEC proved it, what is there as what is not (RFC 4035 section 4.3, the AD bit). */
export type DnsAnswer<RecordData> =
  | {
      readonly kind: 'found'
      readonly secure: boolean
      readonly records: readonly RecordData[]
      /** Where CNAMEs led, without a trailing dot, in lower case; the name itself when there were none. */
      readonly canonical: string
    }
  /** There is no such record, or (`exists: false`) no such name. */
  | { readonly kind: 'none'; readonly secure: boolean; readonly exists: boolean }
  /** SERVFAIL, which is also what bogus looks like; silence; nonsense. Never taken for `none`. */
  | { readonly kind: 'failed' }

export interface MxRecord {
  readonly preference: number
  /** Without a trailing dot, in lower case; empty for the null MX (RFC 7505). */
  readonly host: string
}

export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  /** Hex, lower case. */
  readonly data: string
}

/** The questions that mail asks. None of them rejects. */
export interface Dns {
  /** Whether answers can be `secure`: the resolver has proved that it validates. It may change; no answer is kept over that. */
  readonly validates: boolean
  /** IPv4 and IPv6; secure only when both are. */
  addresses(host: string): Promise<DnsAnswer<string>>
  /** By preference, equal ones in the order given. */
  mx(domain: string): Promise<DnsAnswer<MxRecord>>
  tlsa(name: string): Promise<DnsAnswer<TlsaRecord>>
  /** The name's own CNAME, not followed. `secure` speaks of this one record. */
  alias(name: string): Promise<DnsAnswer<string>>
  /** The strings of each record joined. */
  txt(name: string): Promise<DnsAnswer<string>>
}
