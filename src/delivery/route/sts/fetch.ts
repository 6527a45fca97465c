import type { Dns } from '../../../platform/dns/index.ts'
import { type FetchFailure, openFetcher } from '../../../platform/https/index.ts'
import type { Network } from '../../../platform/index.ts'
import { isHostName } from '../auto/host-name.ts'
import { parsePolicy, type StsPolicy } from './policy.ts'

/** Why there is no policy; `policy_malformed`: there is a text, and it is not RFC 8461. */
export type StsFetchFailure = FetchFailure | 'policy_malformed'

/** Asks a domain's policy host for its policy, which DNS announced under that id. Never rejects. */
export type FetchPolicy = (
  domain: string,
  id: string,
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

// A policy host that is down is not asked for each mail (RFC 8461 section 3.3: not more often than that).
const pauseMs = 300_000
const failuresKept = 10_000

/**
 * Fetches policies as RFC 8461 section 3.3 says: from `mta-sts.` and the domain, whose certificate must carry that name
 * under a public CA, with no redirect at all, as text/plain, at most 64 KiB, within ten seconds. Who asks for the same
 * at the same time shares one request; a failure is told again for five minutes, unless the id is another one.
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
  const fetchNow = async (domain: string): ReturnType<FetchPolicy> => {
    if (!isHostName(domain)) return { ok: false, failure: 'url_not_allowed' }
    const fetched = await fetcher.get(new URL(`https://mta-sts.${domain}/.well-known/mta-sts.txt`))
    if (!fetched.ok) return fetched
    const policy = parsePolicy(fetched.bytes)
    return policy === undefined ? { ok: false, failure: 'policy_malformed' } : { ok: true, policy }
  }

  const underWay = new Map<string, ReturnType<FetchPolicy>>()
  const failures = new Map<string, { readonly failure: StsFetchFailure; readonly until: number }>()
  return async (domain, id) => {
    const key = `${domain} ${id}`
    const failed = failures.get(key)
    if (failed !== undefined && performance.now() < failed.until)
      return { ok: false, failure: failed.failure }
    const fetching = underWay.get(key) ?? fetchNow(domain).finally(() => underWay.delete(key))
    underWay.set(key, fetching)
    const fetched = await fetching
    failures.delete(key)
    if (!fetched.ok) {
      failures.set(key, { failure: fetched.failure, until: performance.now() + pauseMs })
      const [oldest] = failures.keys()
      if (oldest !== undefined && failures.size > failuresKept) failures.delete(oldest)
    }
    return fetched
  }
}
