import { connect as connectTcp, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { TlsEvidence } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { RevocationCheck } from '../../platform/revocation/index.ts'
import type { DestinationHost } from '../destination.ts'
import type { FailureOutcome } from '../outcome.ts'
import type { Proof, Route } from '../route/route.ts'
import { needsChain } from '../tls-verdict.ts'
import { authenticate } from './channel/authenticate.ts'
import { type Shaken, shakeHands, type Trust } from './channel/handshake.ts'
import { type Extensions, keywords, sayHello } from './channel/hello.ts'
import { reached } from './channel/reached.ts'
import { checkRevocation } from './channel/revocation.ts'
import { logIn } from './channel/sasl.ts'
import { converse } from './conversation.ts'
import type { Credentials } from './credentials.ts'
import { SessionFailure } from './failure.ts'
import type { SessionLimits } from './limits.ts'

export interface ChannelOptions {
  readonly clock: Clock
  /** Our name in EHLO. */
  readonly mailHost: string
  /** PEM, the roots for `secure` and `mta_sts`; undefined means the Mozilla roots of Node. */
  readonly publicCa: string | undefined
  readonly limits: SessionLimits
  /** What is known of revocations of servers' certificates. Default: nothing. */
  readonly revocation?: RevocationCheck
  /** Is told of each attack before anything else is tried; when it rejects, so does whatever was asked for. */
  readonly onAttack?: (attack: Attack) => Promise<void>
}

/** Bytes where none may be: somebody sits between us and the server, or is it. */
export interface Attack {
  readonly kind: 'starttls_injection'
  readonly host: string
  readonly address: string
}

/** One server at one address, what it must show, and how we speak to it. */
export interface Target extends Pick<Extract<Route, { ok: true }>, 'asked' | 'requireTls' | 'credentials'> {
  readonly host: DestinationHost
  readonly address: string
  readonly proof: Proof
}

/** An authenticated connection that is ready for MAIL FROM. */
export interface Channel {
  readonly socket: TLSSocket
  readonly evidence: TlsEvidence
  readonly extensions: Extensions
  /** Whether REQUIRETLS is said with each message. */
  readonly requireTls: boolean
}

/**
 * Connects to exactly this address and authenticates the server there as `host.name` by `proof`. In clear it says EHLO and
 * STARTTLS and nothing else; whatever goes wrong, nothing further is said. Rejects with a {@link SessionFailure}. Whoever
 * calls it tells `onAttack`.
 */
export async function openChannel(target: Target, options: ChannelOptions): Promise<Channel> {
  const opened = new Set<Socket>()
  const deadline = AbortSignal.timeout(options.limits.opening)
  const cut = (): void => {
    for (const tcp of opened) tcp.destroy()
  }
  deadline.addEventListener('abort', cut)
  try {
    return await establish(target, options, opened)
  } catch (error) {
    cut()
    throw deadline.aborted ? new SessionFailure('timeout', { cause: error }) : error
  } finally {
    deadline.removeEventListener('abort', cut)
  }
}

/** Tells `onAttack` when the outcome speaks of one. Rejects when it does. */
export async function tellOfAttack(
  outcome: FailureOutcome,
  { host, address }: Target,
  { onAttack }: ChannelOptions,
): Promise<void> {
  if (outcome === 'starttls_injection') await onAttack?.({ kind: outcome, host: host.name, address })
}

async function establish(target: Target, options: ChannelOptions, opened: Set<Socket>): Promise<Channel> {
  const { host, proof, asked } = target
  const { clock, limits, publicCa } = options
  const credentials = target.credentials?.()
  const connect = (trust: Trust): Promise<Shaken> =>
    connectOnce(target, options, trust, credentials?.identity, opened)

  const server = await authenticate({ proof, host }, connect, clock, publicCa)
  const revocation = needsChain(proof)
    ? await checkRevocation(server, options.revocation, limits.reply)
    : 'not_applicable'
  const { socket } = server
  const extensions = await beginInside(socket, host.tls, options, credentials)
  const requireTls = requireTlsOf(target, extensions)
  return {
    socket,
    extensions,
    requireTls,
    evidence: { ...server.evidence, asked, revocation, requireTls },
  }
}

/** A connection of its own, through EHLO and STARTTLS if that is the way, to the end of the handshake. */
async function connectOnce(
  { host, address, proof }: Target,
  { limits, mailHost }: ChannelOptions,
  trust: Trust,
  identity: Credentials['identity'],
  opened: Set<Socket>,
): Promise<Shaken> {
  const tcp = connectTcp({ host: address, port: host.port, noDelay: true })
  opened.add(tcp)
  // Errors reach whoever awaits at the time; one that comes later must not end the process.
  tcp.on('error', () => undefined)
  await reached(tcp, 'connect', 'connect', limits.connect)
  // RFC 7672 section 2.3.1: the base domain of the TLSA records is the name that the server is asked for.
  const [servername = host.name] = proof.level === 'dane' ? proof.names : []
  if (host.tls === 'implicit') return shakeHands(tcp, servername, trust, identity, limits.connect)

  const clear = converse(tcp, limits.reply)
  await clear.ask('greeting', undefined, 220)
  const offer = await clear.ask('ehlo', `EHLO ${mailHost}`, 250)
  if (!keywords(offer).has('STARTTLS')) throw new SessionFailure('tls_not_offered')
  await clear.ask('starttls', 'STARTTLS', 220)
  clear.end()
  try {
    return await shakeHands(tcp, servername, trust, identity, limits.connect)
  } catch (error) {
    // What comes now and is no TLS came in clear, after the reply to STARTTLS.
    throw isClearText(error) ? new SessionFailure('starttls_injection', { cause: error }) : error
  }
}

/** What is said inside TLS before a mail: greeting, EHLO, and to a relay who we are. Leaves the socket paused. */
async function beginInside(
  socket: TLSSocket,
  tls: DestinationHost['tls'],
  { limits, mailHost }: ChannelOptions,
  credentials: Credentials | undefined,
): Promise<Extensions> {
  const talk = converse(socket, limits.reply)
  try {
    if (tls === 'implicit') await talk.ask('greeting', undefined, 220)
    const extensions = await sayHello(talk, mailHost)
    if (credentials?.login !== undefined) await logIn(talk, extensions.auth, credentials.login)
    // So that nothing is lost until the next one listens.
    socket.pause()
    talk.end()
    return extensions
  } catch (error) {
    // With TLS 1.3 the refusal of our certificate comes after the handshake.
    throw credentials?.identity !== undefined && refusesCertificate(error)
      ? new SessionFailure('relay_authentication_failed', { cause: error })
      : error
  }
}

function requireTlsOf({ requireTls }: Target, offered: Extensions): boolean {
  if (requireTls === 'must' && !offered.requireTls) throw new SessionFailure('requiretls_not_offered')
  return requireTls !== undefined && offered.requireTls
}

function isClearText(error: unknown): boolean {
  return /^ERR_SSL_(?:WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|PACKET_LENGTH_TOO_LONG)$/.test(
    codeBehind(error),
  )
}

function refusesCertificate(error: unknown): boolean {
  return /^ERR_SSL_.*ALERT_(?:.*CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(codeBehind(error))
}

/** The code of the socket's error that made a session fail. */
function codeBehind(error: unknown): string {
  const cause: unknown = error instanceof SessionFailure ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
}
