import { lookup as resolve } from 'node:dns/promises'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { isIP } from 'node:net'
import { version } from '../../kernel/index.ts'
import { type Network, peerGuard } from '../peer-guard.ts'
import { clientTlsOptions } from '../tls/profile.ts'

/** Fetches what carries a signature of its own. */
export interface SignedFetch {
  /** The body of a GET, or with `body` of a POST, that was answered 200; undefined when there is none. Never rejects. */
  (url: URL, body?: OcspBody): Promise<Buffer | undefined>
}

interface OcspBody {
  readonly contentType: 'application/ocsp-request'
  readonly bytes: Buffer
}

export interface SignedFetchOptions {
  /** Where servers may be although the range is private, loopback or link-local. */
  readonly allowedNetworks: readonly Network[]
  /** The addresses of a host. Default: the system's resolver. */
  readonly lookup?: (host: string) => Promise<readonly string[]>
  /** Milliseconds for everything together, redirects included. Default 15,000. */
  readonly deadline?: number
  /** Octets of a body. Default 16 MiB. */
  readonly most?: number
}

const redirects = 2
const addressesPerHost = 2

/**
 * The one way out that may be plain HTTP: CAs publish their lists so, because a list that came over TLS would need a list to
 * check that TLS, and because each carries the signature of its CA (RFC 5280 section 8, RFC 6960 appendix A). Nothing secret is
 * said, and nothing that comes back is believed before its signature is verified. Otherwise as guarded as every fetch: the
 * address that was judged is the one connected to, no private ones, at most two redirects, bounded in size and time.
 */
export function openSignedFetch(options: SignedFetchOptions): SignedFetch {
  const { lookup = lookupHost, deadline = 15_000, most = 16 * 1024 * 1024 } = options
  const mayConnect = peerGuard(options.allowedNetworks)

  const visit = async (url: URL, body: OcspBody | undefined, signal: AbortSignal): Promise<Exchange> => {
    if (!isAllowed(url)) return undefined
    const found = await Promise.race([lookup(url.hostname), ended(signal)])
    for (const address of found.filter(mayConnect).slice(0, addressesPerHost)) {
      const seen = await exchange(url, address, { body, most, signal })
      if (seen !== 'unreachable') return seen
    }
    return undefined
  }

  return async (url, body) => {
    const signal = AbortSignal.timeout(deadline)
    let next = url
    try {
      for (let followed = 0; followed <= redirects; followed++) {
        const seen = await visit(next, body, signal)
        if (typeof seen !== 'object' || Buffer.isBuffer(seen)) return Buffer.isBuffer(seen) ? seen : undefined
        if (!URL.canParse(seen.location, next)) return undefined
        next = new URL(seen.location, next)
      }
    } catch {
      // DNS, or time: there is nothing, which is all that the caller can use.
    }
    return undefined
  }
}

type Exchange = Buffer | { readonly location: string } | 'unreachable' | undefined

interface Request {
  readonly body: OcspBody | undefined
  readonly most: number
  readonly signal: AbortSignal
}

/** One request over a connection of its own, which it leaves closed. */
function exchange(url: URL, address: string, { body, most, signal }: Request): Promise<Exchange> {
  return new Promise(resolve => {
    const plain = url.protocol === 'http:'
    let connected = false
    const common = {
      method: body === undefined ? 'GET' : 'POST',
      host: address,
      port: url.port === '' ? (plain ? 80 : 443) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        accept: '*/*',
        'accept-encoding': 'identity',
        'user-agent': `Sealpost/${version}`,
        ...(body === undefined
          ? {}
          : { 'content-type': body.contentType, 'content-length': body.bytes.length }),
      },
      agent: false,
      maxHeaderSize: 16 * 1024,
      signal,
    }
    const sent = plain
      ? requestPlain(common)
      : requestTls({ ...clientTlsOptions, ...common, servername: url.hostname })
    const end = (result: Exchange): void => {
      resolve(result)
      sent.destroy()
    }
    sent.on('socket', socket => {
      socket.once('connect', () => {
        connected = true
      })
    })
    sent.on('error', () => end(connected || signal.aborted ? undefined : 'unreachable'))
    sent.on('upgrade', () => end(undefined))
    sent.on('response', response => {
      response.on('error', () => end(undefined))
      const { statusCode = 0, headers } = response
      if (body === undefined && [301, 302, 303, 307, 308].includes(statusCode)) {
        end(headers.location === undefined ? undefined : { location: headers.location })
        return
      }
      const coded = (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity'
      if (statusCode !== 200 || coded || Number(headers['content-length'] ?? 0) > most) {
        end(undefined)
        return
      }
      const pieces: Buffer[] = []
      let length = 0
      response.on('data', (piece: Buffer) => {
        length += piece.length
        if (length > most) end(undefined)
        else pieces.push(piece)
      })
      response.on('end', () => end(Buffer.concat(pieces)))
      response.on('close', () => end(undefined))
    })
    sent.end(body?.bytes)
  })
}

/** `http:` or `https:` to a host name; no credentials, no address written as one. */
function isAllowed({ protocol, hostname, username, password }: URL): boolean {
  const literal = hostname.startsWith('[') || isIP(hostname) !== 0
  const scheme = protocol === 'http:' || protocol === 'https:'
  return scheme && hostname !== '' && !literal && username === '' && password === ''
}

function ended(signal: AbortSignal): Promise<never> {
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
