import type { TlsaRecord } from '../../platform/dns/index.ts'
import type { DestinationHost, DestinationRule } from '../destination.ts'
import type { FailureOutcome } from '../outcome.ts'
import type { HeldCredentials } from '../smtp/credentials.ts'

export type Pins = Extract<DestinationRule, { mode: 'pinned' }>['pins']

/** What a server must show to be the one. */
export type Proof =
  | {
      readonly level: 'dane'
      /** The usable records of the server's TLSA set, all of them proved by DNSSEC. At least one. */
      readonly tlsa: readonly TlsaRecord[]
      /**
       * Names of which a certificate under a DANE-TA record must carry one (RFC 7672 section 3.2.2). The first is the
       * TLSA base domain, which is also what SNI names (section 8.1).
       */
      readonly names: readonly [string, ...string[]]
    }
  | { readonly level: 'pinned'; readonly pins: Pins }
  | { readonly level: 'mta_sts'; readonly policyId: string }
  | { readonly level: 'secure' }

/** A mail server to try, at these addresses and no others, in this order; or why it is not tried. */
export type Candidate =
  | {
      readonly host: DestinationHost
      readonly addresses: readonly [string, ...string[]]
      readonly proof: Proof
    }
  | { readonly host: DestinationHost; readonly outcome: FailureOutcome }

/** Where mail for one domain may go at the moment. */
export type Route =
  | {
      readonly ok: true
      readonly asked: DestinationRule['mode'] | 'relay'
      readonly requireTls: DestinationRule['requireTls']
      readonly limits: DestinationRule['limits']
      /** Shown to whichever server of the route is spoken to: for a relay of our own. */
      readonly credentials?: HeldCredentials
      /** In the order in which they are tried: first those that can be, then those that cannot, and why. */
      readonly candidates: readonly [Candidate, ...Candidate[]]
    }
  | { readonly ok: false; readonly outcome: FailureOutcome }

/** Finds the route to a domain (lower case). Rejects only when the database does. */
export type FindRoute = (domain: string) => Promise<Route>
