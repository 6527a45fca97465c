import { X509Certificate } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { TlsEvidence } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { clientTlsOptions } from '../../platform/index.ts'
import type { DestinationHost } from '../destination.ts'
import type { RevocationCheck } from '../../platform/revocation/index.ts'
import { outcomeOfSocketError } from '../outcome.ts'
import type { Proof, Route } from '../route/route.ts'
import { carriesName, judgeHandshake, needsChain } from '../tls-verdict.ts'
import { type Conversation, converse } from './conversation.ts'
import { SessionFailure } from './failure.ts'
import type { SessionLimits } from './limits.ts'
import type { Reply } from './reply.ts'

export interface ChannelOptions {
  readonly clock: Clock
  /** Our name in EHLO. */
  readonly mailHost: string
  /** PEM, the roots for `secure`; undefined means the Mozilla roots of Node. */
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
  readonly extensions: {
    readonly pipelining: boolean
    /** The largest message that is taken, in bytes; 0: no limit named; absent: SIZE is not offered. */
    readonly size?: number
  }
}

/**
 * Connects to exactly this address and authenticates the server there as `host.name` by `proof`. In clear it says EHLO and
 * STARTTLS and nothing else; whatever goes wrong, nothing further is said. Rejects with a {@link SessionFailure}.
 */
export async function openChannel(target: Target, options: ChannelOptions): Promise<Channel> {
  const { limits } = options
  const { host, address } = target
  const tcp = connectTcp({ host: address, port: host.port, noDelay: true })
  // Errors reach whoever awaits at the time; one that comes later must not end the process.
  tcp.on('error', ignore)
  const deadline = AbortSignal.timeout(limits.opening)
  const cut = (): void => void tcp.destroy()
  deadline.addEventListener('abort', cut)
  try {
    await reached(tcp, 'connect', 'connect', limits.connect)
    return await (host.tls === 'implicit' ? openImplicit : openByStartTls)(tcp, target, options)
  } catch (error) {
    tcp.destroy()
    throw deadline.aborted ? new SessionFailure('timeout', { cause: error }) : error
  } finally {
    deadline.removeEventListener('abort', cut)
  }
}

async function openImplicit(tcp: Socket, target: Target, options: ChannelOptions): Promise<Channel> {
  const { socket, evidence } = await authenticate(tcp, target, options)
  const talk = converse(socket, options.limits.reply)
  await talk.ask('greeting', undefined, 220)
  return { socket, evidence, extensions: await sayHello(talk, socket, options.mailHost) }
}

async function openByStartTls(tcp: Socket, target: Target, options: ChannelOptions): Promise<Channel> {
  const clear = converse(tcp, options.limits.reply)
  await clear.ask('greeting', undefined, 220)
  const offer = await clear.ask('ehlo', `EHLO ${options.mailHost}`, 250)
  if (!keywords(offer).has('STARTTLS')) throw new SessionFailure('tls_not_offered')
  await clear.ask('starttls', 'STARTTLS', 220)
  clear.end()

  // RFC 3207 section 4.2: what was learnt before the handshake is forgotten.
  const { socket, evidence } = await authenticate(tcp, target, options)
  const talk = converse(socket, options.limits.reply)
  return { socket, evidence, extensions: await sayHello(talk, socket, options.mailHost) }
}

async function authenticate(
  tcp: Socket,
  { proof, asked, host: { name } }: Target,
  { clock, publicCa, limits }: ChannelOptions,
): Promise<Pick<Channel, 'socket' | 'evidence'>> {
  const ca = proof.level === 'pinned' ? proof.pins.ca : publicCa
  const socket = connectTls({
    socket: tcp,
    servername: name,
    ...clientTlsOptions,
    ...(ca === undefined ? {} : { ca }),
    // A server pinned by its key alone has no chain to verify. Everyone else is refused by Node, and again below.
    // eslint-disable-next-line house/tls-verifies -- judgeHandshake() demands the pinned key, before a byte is sent.
    rejectUnauthorized: needsChain(proof),
    checkServerIdentity: (_name, { raw }) =>
      carriesName(new X509Certificate(raw), name) ? undefined : nameMismatch(),
  })
  socket.on('error', ignore)
  await reached(socket, 'secureConnect', 'handshake', limits.connect)

  const verdict = judgeHandshake(
    proof,
    asked,
    name,
    {
      protocol: socket.getProtocol(),
      cipher: socket.getCipher().name,
      group: groupOf(socket),
      certificate: socket.getPeerX509Certificate(),
      chainError: socket.authorized ? undefined : chainErrorOf(socket),
    },
    clock.now(),
  )
  if (verdict.ok) return { socket, evidence: verdict.evidence }
  throw new SessionFailure(verdict.outcome)
}

/** EHLO inside TLS. Leaves the socket paused, so that nothing is lost until the next one listens. */
async function sayHello(
  talk: Conversation,
  socket: TLSSocket,
  mailHost: string,
): Promise<Channel['extensions']> {
  const offer = keywords(await talk.ask('ehlo', `EHLO ${mailHost}`, 250))
  socket.pause()
  talk.end()
  const size = offer.get('SIZE')
  return {
    pipelining: offer.has('PIPELINING'),
    ...(size === undefined ? {} : { size: /^[0-9]{1,15}$/.test(size) ? Number(size) : 0 }),
  }
}

/** RFC 5321 section 4.1.1.1: the first line is a greeting, each other a keyword and its parameters. */
function keywords({ lines }: Reply): ReadonlyMap<string, string> {
  return new Map(
    lines.slice(1).map(line => {
      const [, keyword = '', parameters = ''] = /^([A-Za-z0-9-]+)(?: (.*))?$/.exec(line) ?? []
      return [keyword.toUpperCase(), parameters]
    }),
  )
}

/** Until `socket` emits `event`. Rejects with a {@link SessionFailure} when it fails, closes or takes too long. */
async function reached(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  phase: 'connect' | 'handshake',
  limit: number,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const failure = await new Promise<SessionFailure | undefined>(resolve => {
    timer = setTimeout(resolve, limit, new SessionFailure('timeout'))
    socket.once(event, () => resolve(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(new SessionFailure(outcomeOfSocketError(error.code, phase), { cause: error })),
    )
    socket.once('close', () => resolve(new SessionFailure(outcomeOfSocketError(undefined, phase))))
  })
  clearTimeout(timer)
  if (failure !== undefined) throw failure
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

function ignore(): void {
  // The awaiting side has it, or nobody needs it.
}
