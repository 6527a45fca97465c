import type { FailureOutcome } from '../outcome.ts'
import type { Route } from '../route/route.ts'
import type { Peer } from '../smtp/open-session.ts'
import { type RestPolicy, retryDelay } from './policy.ts'

/**
 * What this replica has seen of mail servers, by host name and port, so that one that is down costs little and its
 * domain's other servers are used meanwhile. A server that could not be reached rests for every domain; one that did not
 * prove itself, for this domain only, as another may ask for another proof. When its rest is over, one connection tries it.
 *
 * `scope`: whose route it is; a domain, or the relay.
 */
export interface Breaker {
  /**
   * The route with its resting servers marked by what they rest for, so that they are not tried. One that answers, but
   * puts off whatever it is sent, is tried after the others.
   */
  ease(scope: string, route: Route): Route
  /** A session with it came about. */
  reached(scope: string, peer: Peer): void
  /** It was tried and no session came about. */
  failed(scope: string, peer: Peer, outcome: FailureOutcome): void
  /** It took a message, or refused one for good. */
  decided(peer: Peer): void
  /** It put a message off. */
  putOff(peer: Peer): void
}

interface Entry {
  failures: number
  outcome: FailureOutcome
  /** Until when it rests. */
  until: number
}

/** What cannot be reached is away for everybody. */
const unreachable: readonly FailureOutcome[] = ['connect_failed', 'connection_lost', 'timeout']
const unproved: readonly FailureOutcome[] = [
  'protocol_violation',
  'starttls_injection',
  'requiretls_not_offered',
  'relay_authentication_failed',
]
/** DNS of others names the servers: what it could fill is bounded. */
const most = 4096

/** @param now milliseconds of a clock that never goes back */
export function openBreaker(policy: RestPolicy, random: () => number, now: () => number): Breaker {
  const entries = new Map<string, Entry>()
  const serverOf = ({ host, port }: Pick<Peer, 'host' | 'port'>): string => `${host}:${port}`
  const provedTo = (scope: string, peer: Pick<Peer, 'host' | 'port'>): string => `${scope} ${serverOf(peer)}`
  const busy = (peer: Pick<Peer, 'host' | 'port'>): string => `busy ${serverOf(peer)}`

  const strike = (key: string, outcome: FailureOutcome): void => {
    const failures = (entries.get(key)?.failures ?? 0) + 1
    const rest = failures < policy.after ? 0 : retryDelay(policy, failures - policy.after + 1, random)
    // In the order of the latest failure, so that what is dropped is what was not heard of for longest.
    entries.delete(key)
    entries.set(key, { failures, outcome, until: now() + rest })
    const [oldest] = entries.keys()
    if (entries.size > most && oldest !== undefined) entries.delete(oldest)
  }

  /** Why a server rests; nothing when it may be tried. Whoever is told so first is its trial: the others wait on. */
  const restOf = (key: string): FailureOutcome | undefined => {
    const entry = entries.get(key)
    if (entry === undefined || entry.failures < policy.after) return undefined
    if (now() < entry.until) return entry.outcome
    // A trial that ends without a word (another server was tried first) gives way to the next.
    entry.until = now() + policy.first
    return undefined
  }

  const isBusy = (peer: Pick<Peer, 'host' | 'port'>): boolean => {
    const entry = entries.get(busy(peer))
    return entry !== undefined && entry.failures >= policy.after && now() < entry.until
  }

  return {
    ease(scope, route) {
      if (!route.ok) return route
      const eased = route.candidates.map(candidate => {
        if ('outcome' in candidate) return candidate
        const peer = { host: candidate.host.name, port: candidate.host.port }
        const outcome = restOf(serverOf(peer)) ?? restOf(provedTo(scope, peer))
        return outcome === undefined ? candidate : { host: candidate.host, outcome }
      })
      const rank = eased.map(({ host: { name, port } }) => (isBusy({ host: name, port }) ? 1 : 0))
      const order = eased.map((_, i) => i).sort((a, b) => (rank[a] ?? 0) - (rank[b] ?? 0) || a - b)
      const [first = route.candidates[0], ...others] = order.flatMap(i => eased[i] ?? [])
      return { ...route, candidates: [first, ...others] }
    },
    reached(scope, peer) {
      entries.delete(serverOf(peer))
      entries.delete(provedTo(scope, peer))
    },
    failed(scope, peer, outcome) {
      if (unreachable.includes(outcome)) strike(serverOf(peer), outcome)
      else if (outcome.startsWith('tls_') || unproved.includes(outcome))
        strike(provedTo(scope, peer), outcome)
    },
    decided(peer) {
      entries.delete(busy(peer))
    },
    putOff(peer) {
      strike(busy(peer), 'server_busy')
    },
  }
}
