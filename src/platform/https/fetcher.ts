import { lookup as resolve } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Network, peerGuard } from '../peer-guard.ts'
import {
  type Destination,
  type Exchange,
  exchange,
  type Failed,
  type Posted,
  postExchange,
} from './exchange.ts'

/** Why nothing was fetched. `name_unknown`: DNS says that there is no such name, or nothing at it. */
export type FetchFailure =
  | 'url_not_allowed'
  | 'name_unknown'
  | 'dns_failed'
  | 'address_not_allowed'
  | 'connect_failed'
  | 'not_authenticated'
  | 'connection_lost'
  | 'redirect_refused'
  | 'media_type_refused'
  | 'encoding_refused'
  | 'too_large'
  | 'timeout'
  | 'not_found'
  | 'status_refused'

export type Fetched =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly failure: FetchFailure }

export type Reply = ({ readonly ok: true } & Posted) | { readonly ok: false; readonly failure: FetchFailure }

export interface Fetcher {
  /** What a GET of this URL gives with status 200; never rejects. */
  get(url: URL): Promise<Fetched>
}

export interface Poster {
  /**
   * What a POST of this body is answered, whatever the status; never rejects. A redirect is not followed, and of a host with
   * several addresses the next is tried only when nothing was sent.
   */
  post(url: URL, body: Uint8Array, type: string, headers?: Readonly<Record<string, string>>): Promise<Reply>
}

export interface FetcherOptions {
  /** PEM; undefined means the Mozilla roots of Node. */
  readonly ca?: string | undefined
  /** Where servers may be although the range is private, loopback or link-local. */
  readonly allowedNetworks: readonly Network[]
  /** The addresses of a host, best first. Default: the system's resolver. */
  readonly lookup?: (host: string) => Promise<readonly string[]>
  /** Milliseconds for everything together, redirects included. Default 10,000. */
  readonly deadline?: number
  /** Octets of a body. Default 64 KiB. */
  readonly most?: number
  /** Where a URL without a port leads. Default 443. */
  readonly port?: number
  /** How many are followed, to the same host and port only. Default 2. */
  readonly redirects?: number
  /** Lower case, without parameters. Default: any. */
  readonly mediaType?: string
}

// A host with a hundred addresses is not tried a hundred times.
const addressesPerHost = 2

/**
 * Fetches small files from servers that are not trusted. TLS 1.2 or later that proves the name; the name is resolved once
 * per request, and the very address that was judged is connected to; no private address; few redirects, to the
 * same host and port only; no compression; bounded in size and time. Sends no cookie, no credential, no referrer.
 */
export function openFetcher(options: FetcherOptions): Fetcher & Poster {
  const { lookup = lookupHost, deadline = 10_000, most = 64 * 1024, port = 443, redirects = 2 } = options
  const { ca, mediaType } = options
  const mayConnect = peerGuard(options.allowedNetworks)

  const visit = async <Result extends { readonly kind: string }>(
    url: URL,
    signal: AbortSignal,
    converse: (to: Destination) => Promise<Result | Failed>,
  ): Promise<Result | Failed> => {
    if (!isAllowed(url)) return { kind: 'failed', failure: 'url_not_allowed' }
    const found = await addressesOf(url.hostname, lookup, signal)
    if (typeof found === 'string') return { kind: 'failed', failure: found }
    let last: Result | Failed = { kind: 'failed', failure: 'address_not_allowed' }
    for (const address of found.filter(mayConnect).slice(0, addressesPerHost)) {
      last = await converse({ url, address, port: url.port === '' ? port : Number(url.port) })
      if (!isFailed(last) || last.failure !== 'connect_failed') return last
    }
    return last
  }
  const bounds = (signal: AbortSignal) => ({ ca, most, mediaType, signal })

  return {
    async get(url) {
      const signal = AbortSignal.timeout(deadline)
      let next = url
      for (let followed = 0; ; followed++) {
        const seen: Exchange = await visit(next, signal, to => exchange(to, bounds(signal)))
        if (seen.kind === 'body') return { ok: true, bytes: seen.bytes }
        if (seen.kind === 'failed') return { ok: false, failure: signal.aborted ? 'timeout' : seen.failure }
        const target = URL.canParse(seen.location, next) ? new URL(seen.location, next) : undefined
        if (followed === redirects || target === undefined || target.origin !== url.origin)
          return { ok: false, failure: 'redirect_refused' }
        next = target
      }
    },
    async post(url, body, type, headers = {}) {
      const signal = AbortSignal.timeout(deadline)
      const seen = await visit(url, signal, to => postExchange(to, bounds(signal), { body, type, headers }))
      if (seen.kind === 'posted') {
        const { status, mediaType: said, bytes } = seen
        return { ok: true, status, mediaType: said, bytes }
      }
      return { ok: false, failure: signal.aborted ? 'timeout' : seen.failure }
    },
  }
}

function isFailed(seen: { readonly kind: string }): seen is Failed {
  return seen.kind === 'failed'
}

/** `https:` to a host name; no credentials, no address written as one. URL has folded every odd way to write one. */
function isAllowed(url: URL): boolean {
  const { protocol, hostname, username, password } = url
  const literal = hostname.startsWith('[') || isIP(hostname) !== 0
  return protocol === 'https:' && hostname !== '' && !literal && username === '' && password === ''
}

async function addressesOf(
  host: string,
  lookup: (host: string) => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<readonly string[] | FetchFailure> {
  try {
    const found = await Promise.race([lookup(host), ending(signal)])
    return found.length === 0 ? 'name_unknown' : found
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ENOTFOUND' || code === 'ENODATA' ? 'name_unknown' : 'dns_failed'
  }
}

function ending(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(new Error('too late'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

async function lookupHost(host: string): Promise<readonly string[]> {
  const found = await resolve(host, { all: true })
  return found.map(({ address }) => address)
}
