import { shortOf } from '../courier/attempt.ts'
import type { SendingPolicy } from '../courier/last-check.ts'
import type { DestinationRule } from '../destination.ts'
import type { DomainFindings, HostFinding, RouteReport } from '../route/report.ts'
import type { Route } from '../route/route.ts'
import type { ChannelOptions, Target } from '../smtp/open-channel.ts'
import { type ProbedServer, probeRoute, probeTarget } from '../smtp/probe.ts'
import { adviseOn, type ProbeVerdict } from './advise.ts'

/** What the crypto policy in force asks; `none` is in force, or nobody knows. */
export type AskedByPolicy = SendingPolicy | 'none' | 'unknown'

export interface ProbeDependencies {
  /** The route by the rule that is stored, or as if `rule` was. */
  readonly explain: (domain: string, rule?: DestinationRule) => Promise<RouteReport>
  readonly channel: ChannelOptions
  readonly policy: AskedByPolicy
  /** Where servers that DNS names listen. Default 25. */
  readonly mxPort?: number
}

/** Everything that was found on the way into a domain, and what a person can conclude. Names in it are foreign text. */
export interface DestinationProbe {
  readonly domain: string
  readonly rule: DestinationRule
  /** `assumed`: there is none, and this is what `auto` would do. */
  readonly ruleIs: 'stored' | 'given' | 'assumed'
  readonly report: Omit<RouteReport, 'domain' | 'rule'>
  /** The servers of the route, each as far as a session came before MAIL FROM. */
  readonly servers: readonly ProbedServer[]
  /** Where nothing authenticates the servers that DNS names: what they show to somebody who trusts the public CAs. */
  readonly shown: readonly ProbedServer[]
  readonly verdict: ProbeVerdict
}

/**
 * Walks all of the way into a domain (lower case) but a mail: the route, then each server's EHLO, STARTTLS, handshake,
 * verdict, revocation and EHLO. By the `given` rule, else by the one that is stored, else as `auto` would. Rejects only
 * when the database does.
 */
export async function probeDestination(
  { explain, channel, policy, mxPort = 25 }: ProbeDependencies,
  domain: string,
  given?: DestinationRule,
): Promise<DestinationProbe> {
  const asked = await explain(domain, given)
  const { rule: stored } = asked
  const rule = given ?? stored ?? { mode: 'auto' }
  const ruleIs = given !== undefined ? 'given' : stored !== undefined ? 'stored' : 'assumed'
  const { validates, findings, route } = ruleIs === 'assumed' ? await explain(domain, rule) : asked
  const tried = route.ok ? await tryAll(route, channel) : []
  const servers = tried.map(server => held(server, policy))
  const shown = servers.some(({ result }) => result.ok) ? [] : await look(servers, findings, channel, mxPort)
  const seen = { domain, rule, ruleIs, report: { validates, findings, route }, servers, shown } as const
  return { ...seen, verdict: adviseOn(seen, policy) }
}

/** All servers at a time, the addresses of each in turn: a person waits. */
async function tryAll(
  route: Extract<Route, { ok: true }>,
  channel: ChannelOptions,
): Promise<readonly ProbedServer[]> {
  const probed = await Promise.all(
    route.candidates.map(candidate => probeRoute({ ...route, candidates: [candidate] }, channel)),
  )
  return probed.flat()
}

/** What is good enough for the rule may not be for the policy. */
function held(server: ProbedServer, policy: AskedByPolicy): ProbedServer {
  const { result } = server
  if (!result.ok || typeof policy === 'string') return server
  const outcome = shortOf(policy, result.evidence)
  return outcome === undefined
    ? server
    : { ...server, result: { ok: false, outcome, reply: null, shown: null } }
}

/**
 * One look at each server that has an address for us and that nothing authenticates, as somebody who trusts the public CAs.
 * None at a server that failed what does authenticate it: whoever is there now is not whom anybody should pin.
 */
async function look(
  servers: readonly ProbedServer[],
  findings: DomainFindings | undefined,
  channel: ChannelOptions,
  port: number,
): Promise<readonly ProbedServer[]> {
  const isOpen = ({ name, allowed }: HostFinding): boolean =>
    allowed.length > 0 &&
    servers.some(
      ({ host, result }) => host === name && !result.ok && result.outcome === 'destination_not_authenticated',
    )
  const hosts = findings?.hosts.filter(isOpen) ?? []
  return Promise.all(
    hosts.map(async ({ name, allowed: [address = ''] }) => {
      const target: Target = {
        host: { name, port, tls: 'starttls' },
        address,
        proof: { level: 'secure' },
        asked: 'secure',
        requireTls: undefined,
      }
      return { host: name, address, port, result: await probeTarget(target, channel) }
    }),
  )
}
