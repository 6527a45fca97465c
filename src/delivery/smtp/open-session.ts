import type { FailureOutcome } from '../outcome.ts'
import type { Candidate, Route } from '../route/route.ts'
import { SessionFailure } from './failure.ts'
import { type ChannelOptions, openChannel, type Target, tellOfAttack } from './open-channel.ts'
import type { Reply } from './reply.ts'
import { type Session, startSession } from './session.ts'

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
      /** Undefined when there was no server to try. */
      readonly peer: Peer | undefined
      readonly outcome: FailureOutcome
      readonly reply: Reply | undefined
    }

export type RefusedOpening = Extract<Opening, { ok: false }>

/**
 * A session with the first of the route's servers that can be reached and proves itself; otherwise the first one's
 * failure. Rejects only when `onAttack` does: while an attack cannot be recorded, nothing is sent.
 *
 * @param skipped is told of each server that was passed over
 */
export async function openSession(
  route: Route,
  options: ChannelOptions,
  skipped: (refused: RefusedOpening) => void,
): Promise<Opening> {
  if (!route.ok) return { ok: false, peer: undefined, outcome: route.outcome, reply: undefined }
  const start = performance.now()
  let first: RefusedOpening | undefined
  for (const candidate of route.candidates) {
    for (const target of targetsOf(candidate, route)) {
      if (first !== undefined && performance.now() - start > options.limits.opening) return first
      const opening = 'outcome' in target ? target : await tryTarget(target, options)
      if (opening.ok) return opening
      if (!('ok' in target)) await tellOfAttack(opening.outcome, target, options)
      skipped(opening)
      first ??= opening
    }
  }
  // A route has at least one server, and each gives a session or a failure.
  return first ?? Promise.reject(new Error('a route without servers'))
}

/** The candidate at each of its addresses; or why it is not tried. */
export function targetsOf(
  candidate: Candidate,
  { asked, requireTls, credentials }: Extract<Route, { ok: true }>,
): readonly (Target | (RefusedOpening & { readonly peer: Peer }))[] {
  const { host } = candidate
  if ('outcome' in candidate) {
    const peer = { host: host.name, address: null, port: host.port }
    return [{ ok: false, peer, outcome: candidate.outcome, reply: undefined }]
  }
  return candidate.addresses.map(address => ({
    host,
    address,
    proof: candidate.proof,
    asked,
    requireTls,
    ...(credentials === undefined ? {} : { credentials }),
  }))
}

async function tryTarget(target: Target, options: ChannelOptions): Promise<Opening> {
  const { host, address } = target
  const peer = { host: host.name, address, port: host.port }
  try {
    const channel = await openChannel(target, options)
    return { ok: true, peer, session: await startSession(channel, options.limits) }
  } catch (error) {
    if (error instanceof SessionFailure)
      return { ok: false, peer, outcome: error.outcome, reply: error.reply }
    return { ok: false, peer, outcome: 'internal_error', reply: undefined }
  }
}
