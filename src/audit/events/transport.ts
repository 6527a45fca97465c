import type { ChangeRequestId } from '../../kernel/index.ts'

/** How connections are authenticated, and what was seen of attacks on them. */
export type TransportEvent =
  | {
      readonly type: 'destination.set'
      readonly domain: string
      readonly mode: 'auto' | 'pinned' | 'secure'
      /** SHA-256 of the rule as canonical JSON. Absent in events older than the field. */
      readonly sha256?: string
      /** Absent when one person was enough: the first rule of a domain, of mode `auto`. */
      readonly change?: ChangeRequestId
    }
  | {
      /** The domain has no rule any more. */
      readonly type: 'destination.removed'
      readonly domain: string
      readonly change: ChangeRequestId
    }
  | {
      /** An operator had the way into the domain walked, without a mail. */
      readonly type: 'destination.probed'
      readonly domain: string
      readonly ok: boolean
      readonly outcome: string | null
    }
  | {
      /** Bytes where none may be: somebody sits between us and the server, or is it. */
      readonly type: 'attack.suspected'
      readonly kind: 'starttls_injection'
      readonly host: string
      readonly address: string | null
    }
  | {
      /** Whether the resolver proved at start that it validates. DANE is off while it does not. */
      readonly type: 'resolver.tested'
      readonly validates: boolean
    }
  | {
      /** The policy host of a domain, which proved its name, says something new (RFC 8461). */
      readonly type: 'mta_sts.policy.learnt'
      readonly domain: string
      readonly policyId: string
      readonly mode: 'enforce' | 'testing' | 'none'
    }
  | {
      readonly type: 'tls.reloaded'
      readonly listener: string
      readonly certificateSha256: string
    }
  | {
      /** At a reload the old files stay in use; at a start there is none. */
      readonly type: 'tls.reload.refused' | 'tls.start.refused'
      readonly listener: string
      readonly reason: string
    }
  | {
      /** At each start, and daily, for as long as it holds. */
      readonly type: 'exception.active'
      readonly exception: 'database_tls_1_2'
      readonly until: string
    }
  | {
      readonly type: 'dkim.key.generated' | 'dkim.key.retired'
      readonly domain: string
      readonly selector: string
    }
