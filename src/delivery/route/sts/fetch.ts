import type { Dns } from '../../../platform/dns/index.ts'
import { type FetchFailure, openFetcher } from '../../../platform/https/index.ts'
import type { Network } from '../../../platform/index.ts'
import { parsePolicy, type StsPolicy } from './policy.ts'

/** Why there is no policy; `policy_malformed`: there is a text, and it is not RFC 8461. */
export type StsFetchFailure = FetchFailure | 'policy_malformed'

/** Asks a domain's policy host for its policy. Never rejects. */
export type FetchPolicy = (
  domain: string,
) => Promise<
  | { readonly ok: true; readonly policy: StsPolicy }
  | { readonly ok: false; readonly failure: StsFetchFailure }
>

export interface StsFetchOptions {
  readonly dns: Pick<Dns, 'addresses'>
  /** PEM; undefined means the Mozilla roots of Node. */
  readonly ca: string | undefined
  readonly allowedNetworks: readonly Network[]
  /** Default 443. */
  readonly port?: number
}

/**
 * Fetches policies as RFC 8461 section 3.3 says: from `mta-sts.` and the domain, whose certificate must carry that name
 * under a public CA, with no redirect at all, as text/plain, at most 64 KiB, within ten seconds.
 */
export function openStsFetch({ dns, ...options }: StsFetchOptions): FetchPolicy {
  const fetcher = openFetcher({
    ...options,
    redirects: 0,
    mediaType: 'text/plain',
    lookup: async host => {
      const found = await dns.addresses(host)
      if (found.kind === 'found') return found.records
      if (found.kind === 'none') return []
      throw new Error('DNS does not answer')
    },
  })
  return async domain => {
    const fetched = await fetcher.get(new URL(`https://mta-sts.${domain}/.well-known/mta-sts.txt`))
    if (!fetched.ok) return fetched
    const policy = parsePolicy(fetched.bytes)
    return policy === undefined ? { ok: false, failure: 'policy_malformed' } : { ok: true, policy }
  }
}
