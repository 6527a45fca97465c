import type { DestinationRule } from '../destination.ts'
import { reaches } from '../level.ts'
import type { HeldCredentials } from '../smtp/credentials.ts'
import type { Route } from './route.ts'

/** The one server that all mail goes to, where there is one (RFC 5321 section 2.1). */
export interface Relay {
  readonly rule: Extract<DestinationRule, { mode: 'pinned' | 'secure' }>
  readonly credentials: HeldCredentials | undefined
}

/**
 * The route of a domain with that `rule` by the relay at the end of `toRelay`. What the domain's own rule demands (its
 * floor, REQUIRETLS, limits) is demanded of the relay; mail of a domain whose floor the relay does not reach stays here.
 */
export function routeByRelay(rule: DestinationRule, relay: Relay, toRelay: Route): Route {
  if (rule.mode === 'auto' && rule.floor !== undefined && !reaches(relay.rule.mode, rule.floor)) {
    return { ok: false, outcome: 'destination_below_floor' }
  }
  if (!toRelay.ok) return toRelay
  return {
    ...toRelay,
    asked: 'relay',
    requireTls: stricter(rule.requireTls, relay.rule.requireTls),
    limits: rule.limits ?? relay.rule.limits,
    ...(relay.credentials === undefined ? {} : { credentials: relay.credentials }),
  }
}

type RequireTls = DestinationRule['requireTls']

function stricter(one: RequireTls, other: RequireTls): RequireTls {
  return one === 'must' || other === 'must' ? 'must' : (one ?? other)
}
