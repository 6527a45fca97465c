import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { clientTlsOptions } from '../../../platform/index.ts'
import { carriesName, type HandshakeFacts } from '../../tls-verdict.ts'
import type { Credentials } from '../credentials.ts'
import { SessionFailure } from '../failure.ts'
import { reached } from './reached.ts'
import { trustedCertificates } from './trusted.ts'

/** What OpenSSL is to make of the server's certificate. */
export type Trust =
  /** A chain to one of these CAs (PEM; undefined: the Mozilla roots of Node) and one of these names, or no connection. */
  | {
      readonly kind: 'chain'
      readonly ca: string | readonly string[] | undefined
      readonly names: readonly string[]
      /** Whether a CA of these may be one that another has certified. */
      readonly partial?: boolean
    }
  /** Nothing: the caller knows the key, or hangs up. */
  | { readonly kind: 'key' }

export interface Shaken {
  readonly socket: TLSSocket
  readonly facts: HandshakeFacts
  /** The CAs that OpenSSL was told to trust. */
  readonly trusted: readonly X509Certificate[]
  /** The OCSP response that came with the handshake. */
  readonly staple: Buffer | undefined
}

const longestChain = 8

/**
 * Makes `tcp` a TLS connection. Nothing is sent inside it. No session is ever taken up again: each connection proves
 * itself anew. Rejects with a {@link SessionFailure}, which holds what was shown.
 */
export async function shakeHands(
  tcp: Socket,
  servername: string,
  trust: Trust,
  identity: Credentials['identity'],
  limit: number,
): Promise<Shaken> {
  const socket = connectTls({
    socket: tcp,
    servername,
    ...clientTlsOptions,
    ...(trust.kind === 'chain' ? chainOptions(trust) : keyOptions),
    ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
  })
  // Errors reach whoever awaits at the time; one that comes later must not end the process.
  socket.on('error', () => undefined)
  let staple: Buffer | undefined
  socket.on('OCSPResponse', (response: Buffer | null) => {
    staple = response ?? undefined
  })
  // Before Node judges, and with a bad verdict lets go of what there is to see.
  let seen: HandshakeFacts | undefined
  socket.prependListener('secure', () => {
    seen = factsOf(socket)
  })
  try {
    await reached(socket, 'secureConnect', 'handshake', limit)
  } catch (error) {
    if (!(error instanceof SessionFailure) || seen === undefined) throw error
    throw new SessionFailure(error.outcome, { cause: error.cause, shown: seen })
  }
  // TLS 1.2 could change certificates later.
  socket.disableRenegotiation()
  const facts = { ...factsOf(socket), chainError: socket.authorized ? undefined : chainErrorOf(socket) }
  return { socket, facts, trusted: trust.kind === 'chain' ? trustedCertificates(trust.ca) : [], staple }
}

function chainOptions({ ca, names, partial }: Extract<Trust, { kind: 'chain' }>): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(partial === true ? { allowPartialTrustChain: true } : {}),
    requestOCSP: true,
    checkServerIdentity: (_name, { raw }) => {
      const leaf = new X509Certificate(raw)
      return names.some(name => carriesName(leaf, name)) ? undefined : nameMismatch()
    },
  }
}

const keyOptions: ConnectionOptions = {
  // eslint-disable-next-line house/tls-verifies -- judgeHandshake() demands the pinned key or the TLSA record's, before a byte is sent.
  rejectUnauthorized: false,
}

function factsOf(socket: TLSSocket): HandshakeFacts {
  return {
    protocol: socket.getProtocol(),
    cipher: socket.getCipher().name,
    group: groupOf(socket),
    chain: chainOf(socket),
    chainError: undefined,
  }
}

/** As the server sent them, its own first. */
function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  let next = socket.getPeerX509Certificate()
  while (next !== undefined && chain.length < longestChain) {
    chain.push(next)
    next = next.issuerCertificate
  }
  return chain
}

/** The group of the key exchange. Node's types know only those of TLS 1.2. */
function groupOf(socket: TLSSocket): string | null {
  const info: unknown = socket.getEphemeralKeyInfo()
  const name = info !== null && typeof info === 'object' && 'name' in info ? info.name : undefined
  return typeof name === 'string' ? name : null
}

/** The code, which Node's types call an Error. Never undefined: who is not authorized has an error. */
function chainErrorOf(socket: TLSSocket): string {
  const error: unknown = socket.authorizationError
  return typeof error === 'string' ? error : 'UNSPECIFIED'
}

function nameMismatch(): Error {
  return Object.assign(new Error('name mismatch'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
}
