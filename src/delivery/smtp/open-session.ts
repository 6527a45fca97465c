import type { DestinationHost, DestinationRule } from '../destination.ts'
import type { FailureOutcome } from '../outcome.ts'
import { SessionFailure } from './failure.ts'
import { type ChannelOptions, openChannel } from './open-channel.ts'
import type { Reply } from './reply.ts'
import { type Session, startSession } from './session.ts'

export interface SessionOptions extends ChannelOptions {
  /** The addresses of a host, best first; rejects when there are none. */
  readonly lookup: (host: string) => Promise<readonly string[]>
  readonly mayConnect: (address: string) => boolean
}

/** Whom an attempt spoke to, as far as it came. */
export interface Peer {
  readonly host: string
  readonly address: string | null
  readonly port: number
}

export type Opening =
  | { readonly ok: true; readonly peer: Peer; readonly session: Session }
  | {
      readonly ok: false
      readonly peer: Peer
      readonly outcome: FailureOutcome
      readonly reply: Reply | undefined
    }

type Refused = Extract<Opening, { ok: false }>

// A host with a hundred addresses is not tried a hundred times.
const addressesPerHost = 2

/**
 * A session with the first of the rule's hosts that can be reached and proves itself; otherwise the first one's
 * failure. An address is looked up once, judged, and that very address is connected to. Never rejects.
 *
 * @param skipped is told of each host that was passed over
 */
export async function openSession(
  rule: DestinationRule,
  options: SessionOptions,
  skipped: (refused: Refused) => void,
): Promise<Opening> {
  const start = performance.now()
  let first: Refused | undefined
  for (const host of rule.hosts) {
    for (const address of await addressesOf(host, options)) {
      if (first !== undefined && performance.now() - start > options.limits.opening) return first
      const opening = typeof address === 'string' ? await tryAddress(rule, host, address, options) : address
      if (opening.ok) return opening
      skipped(opening)
      first ??= opening
    }
  }
  // A rule has at least one host, and each gives at least one address or a failure.
  return first ?? Promise.reject(new Error('a rule without hosts'))
}

async function addressesOf(
  { name, port }: DestinationHost,
  { lookup, mayConnect }: SessionOptions,
): Promise<readonly (string | Refused)[]> {
  const failed = (outcome: FailureOutcome): Refused[] => [
    { ok: false, peer: { host: name, address: null, port }, outcome, reply: undefined },
  ]
  let found: readonly string[]
  try {
    found = await lookup(name)
  } catch {
    return failed('dns_failed')
  }
  if (found.length === 0) return failed('dns_failed')
  const allowed = found.filter(mayConnect).slice(0, addressesPerHost)
  return allowed.length > 0 ? allowed : failed('address_not_allowed')
}

async function tryAddress(
  rule: DestinationRule,
  host: DestinationHost,
  address: string,
  options: SessionOptions,
): Promise<Opening> {
  const peer = { host: host.name, address, port: host.port }
  try {
    const channel = await openChannel(rule, host, address, options)
    return { ok: true, peer, session: await startSession(channel, options.limits) }
  } catch (error) {
    if (error instanceof SessionFailure)
      return { ok: false, peer, outcome: error.outcome, reply: error.reply }
    return { ok: false, peer, outcome: 'internal_error', reply: undefined }
  }
}
