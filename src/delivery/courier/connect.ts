import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { reaches } from '../level.ts'
import { dispositionOf } from '../outcome.ts'
import type { Candidate, FindRoute, Route } from '../route/route.ts'
import type { ChannelOptions } from '../smtp/open-channel.ts'
import { type Opening, openSession, type Peer, type RefusedOpening } from '../smtp/open-session.ts'
import type { AttemptResult } from './attempt.ts'
import type { Breaker } from './breaker.ts'
import type { PolicyAt, SendingPolicy } from './last-check.ts'

/** The way to a domain as it is now. */
export interface Way {
  /** What its limits are counted for: the domain, or the relay with everything that goes there. */
  readonly group: string
  readonly connections: number | undefined
  readonly messagesPerMinute: number | undefined
  /** Rejects only when the database does. */
  open(): Promise<Opening>
}

export interface WayDependencies {
  readonly findRoute: FindRoute
  readonly policyAt: PolicyAt
  readonly clock: Clock
  readonly log: Logger
  readonly breaker: Breaker
  readonly channel: ChannelOptions
}

/**
 * The way to a domain: its route without the servers that the policy in force finds too weakly authenticated, and with
 * those resting that failed of late. Rejects only when the database does.
 */
export async function findWay(dependencies: WayDependencies, domain: string): Promise<Way> {
  const { findRoute, policyAt, clock, breaker } = dependencies
  const [route, policy] = await Promise.all([findRoute(domain), policyAt(clock.now())])
  const group = route.ok && route.asked === 'relay' ? 'relay' : domain
  const limits = route.ok ? route.limits : undefined
  return {
    group,
    connections: limits?.connections,
    messagesPerMinute: limits?.messagesPerMinute,
    open: () => connect(dependencies, group, breaker.ease(group, above(policy, route))),
  }
}

async function connect(
  { channel, breaker, log }: WayDependencies,
  group: string,
  route: Route,
): Promise<Opening> {
  const failures: RefusedOpening[] = []
  const opening = await openSession(route, channel, refused => {
    const { peer, outcome } = refused
    // Without an address it was not tried: the route says why, and it was told before.
    const level = peer?.address == null ? 'debug' : 'warn'
    log[level]('mail-host-skipped', { host: peer?.host, port: peer?.port, outcome })
    failures.push(refused)
  })
  if (opening.ok) breaker.reached(group, opening.peer)
  for (const [, { peer, outcome }] of lastOfEach(failures)) {
    const isHere = opening.ok && peer?.host === opening.peer.host && peer.port === opening.peer.port
    if (peer?.address != null && !isHere) breaker.failed(group, peer, outcome)
  }
  return opening
}

/** Of each server its last failure, whichever of its addresses that was. */
function lastOfEach(failures: readonly RefusedOpening[]): ReadonlyMap<string, RefusedOpening> {
  return new Map(failures.map(failure => [`${failure.peer?.host}:${failure.peer?.port}`, failure]))
}

/** The route without what falls short of the policy's floor. The look before MAIL FROM asks again. */
function above(policy: SendingPolicy | undefined, route: Route): Route {
  if (policy === undefined || !route.ok) return route
  const judge = (candidate: Candidate): Candidate =>
    'outcome' in candidate || reaches(candidate.proof.level, policy.floor)
      ? candidate
      : { host: candidate.host, outcome: 'destination_below_floor' }
  const [first, ...others] = route.candidates
  return { ...route, candidates: [judge(first), ...others.map(judge)] }
}

/** What the outcome of a message tells of the server that it was sent to. */
export function noteOutcome(breaker: Breaker, peer: Peer, { outcome, replyCode }: AttemptResult): void {
  if (replyCode === undefined) return
  if (dispositionOf(outcome) === 'temporary') breaker.putOff(peer)
  else breaker.decided(peer)
}
