import type { Dns } from '../../platform/dns/index.ts'
import type { DestinationHost, DestinationRule } from '../destination.ts'
import type { Candidate, Proof, Route } from './route.ts'

// A host with a hundred addresses is not tried a hundred times.
const addressesPerHost = 2

/** The route over the servers that an admin listed, in their order. */
export async function routeToListed(
  rule: Extract<DestinationRule, { mode: 'pinned' | 'secure' }>,
  dns: Dns,
  mayConnect: (address: string) => boolean,
): Promise<Route> {
  const proof: Proof = rule.mode === 'pinned' ? { level: 'pinned', pins: rule.pins } : { level: 'secure' }
  const [first, ...rest] = await Promise.all(rule.hosts.map(host => candidate(host, proof, dns, mayConnect)))
  if (first === undefined) throw new Error('a rule has a host')
  return {
    ok: true,
    asked: rule.mode,
    requireTls: rule.requireTls,
    limits: rule.limits,
    candidates: [first, ...rest],
  }
}

/** A host with the addresses that may be connected to. Each is looked up here once, judged, and connected to as it is. */
async function candidate(
  host: DestinationHost,
  proof: Proof,
  dns: Dns,
  mayConnect: (address: string) => boolean,
): Promise<Candidate> {
  const found = await dns.addresses(host.name)
  if (found.kind !== 'found') return { host, outcome: 'dns_failed' }
  const [first, ...rest] = found.records.filter(mayConnect).slice(0, addressesPerHost)
  return first === undefined
    ? { host, outcome: 'address_not_allowed' }
    : { host, addresses: [first, ...rest], proof }
}
