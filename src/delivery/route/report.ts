import type { DnsAnswer, TlsaRecord } from '../../platform/dns/index.ts'
import type { DestinationRule } from '../destination.ts'
import type { Route } from './route.ts'
import type { StsFetchFailure } from './sts/fetch.ts'

/** What is known of a domain's MTA-STS policy at the moment. */
export type StsFinding =
  /** The domain has none, or none that is well-formed; nor is there a copy. */
  | { readonly kind: 'none' }
  /** It says that it has one, or DNS says nothing; it could not be had, and there is no copy of it. */
  | { readonly kind: 'failed'; readonly reason: 'dns_failed' | StsFetchFailure }
  | {
      readonly kind: 'policy'
      readonly id: string
      readonly mode: 'enforce' | 'testing' | 'none'
      readonly mx: readonly string[]
      readonly fetchedAt: Date
      readonly expiresAt: Date
      /** Why this is a copy although a newer one was wanted. */
      readonly stale?: 'dns_failed' | 'no_record' | StsFetchFailure
    }

/** What was asked of a server's TLSA records, and the answer. */
export type TlsaFinding =
  /** DANE needs MX and address records that DNSSEC proves (RFC 7672 section 2.2). */
  | { readonly kind: 'not_asked'; readonly why: 'mx_insecure' | 'addresses_insecure' | 'no_addresses' }
  | { readonly kind: 'failed' }
  /** No secure TLSA records. `secure` says whether that is proved. */
  | { readonly kind: 'none'; readonly secure: boolean }
  | {
      readonly kind: 'found'
      /** The TLSA base domain. */
      readonly base: string
      readonly usable: readonly TlsaRecord[]
      /** Records of usages, selectors or matching types that mail does not use. */
      readonly unusable: readonly TlsaRecord[]
    }

/** One mail server of a domain, as DNS shows it. */
export interface HostFinding {
  readonly name: string
  /** Null for the domain itself, where there are no MX records. */
  readonly preference: number | null
  readonly addresses: DnsAnswer<string>
  /** Those of the addresses that may be connected to. */
  readonly allowed: readonly string[]
  readonly tlsa: TlsaFinding
}

/** Everything that DNS and the policy host say of the way into a domain. */
export interface DomainFindings {
  readonly domain: string
  readonly mx: DnsAnswer<{ readonly preference: number; readonly host: string }>
  /** In the order in which they are tried. */
  readonly hosts: readonly HostFinding[]
  readonly sts: StsFinding
}

/** The route to a domain and all that it was concluded from. Names and texts in it come from outside. */
export interface RouteReport {
  readonly domain: string
  readonly rule: DestinationRule | undefined
  /** Whether DNSSEC can prove anything here. DANE is off where it cannot. */
  readonly validates: boolean
  /** Undefined where the rule or a relay names the servers. */
  readonly findings: DomainFindings | undefined
  readonly route: Route
}
