import type { Dns, DnsAnswer, MxRecord } from '../../../platform/dns/index.ts'
import type { DomainFindings, HostFinding } from '../report.ts'
import { findStsPolicy, type StsDependencies } from '../sts/find.ts'
import { isHostName } from './host-name.ts'
import { findTlsa } from './tlsa.ts'

export interface SurveyDependencies extends StsDependencies {
  readonly dns: Dns
  readonly mayConnect: (address: string) => boolean
  readonly random: () => number
  readonly mxPort?: number
}

export const smtpPort = 25
// A domain with a hundred servers is not tried a hundred times.
const hostsPerDomain = 8

/** Asks DNS, and the policy host if need be, all that a route to the domain could depend on. */
export async function survey(dependencies: SurveyDependencies, domain: string): Promise<DomainFindings> {
  const { dns, random } = dependencies
  const [mx, sts] = await Promise.all([dns.mx(domain), findStsPolicy(dependencies, domain)])
  const servers = serversOf(mx, domain, random)
  const secure = mx.kind !== 'failed' && mx.secure
  const hosts = await Promise.all(servers.map(server => findHost(dependencies, server, secure)))
  return { domain, mx, hosts, sts }
}

type Server = Pick<HostFinding, 'name' | 'preference'>

/** RFC 5321 section 5.1: by preference, equal ones in random order; without any MX record, the domain itself. */
function serversOf(mx: DnsAnswer<MxRecord>, domain: string, random: () => number): readonly Server[] {
  if (mx.kind === 'failed') return []
  if (mx.kind === 'none') return mx.exists ? [{ name: domain, preference: null }] : []
  const ranked = mx.records
    // RFC 7505: the null MX stands alone. Beside others it means nothing.
    .filter(({ host }) => host !== '')
    .map(record => ({ ...record, chance: random() }))
    .toSorted((one, other) => one.preference - other.preference || one.chance - other.chance)
  const first = new Map(ranked.toReversed().map(record => [record.host, record]))
  return ranked
    .filter(record => first.get(record.host) === record)
    .slice(0, hostsPerDomain)
    .map(({ host, preference }) => ({ name: host, preference }))
}

async function findHost(
  { dns, mayConnect, mxPort = smtpPort }: SurveyDependencies,
  server: Server,
  mxSecure: boolean,
): Promise<HostFinding> {
  const { name } = server
  if (!isHostName(name)) {
    const addresses = { kind: 'none', secure: false, exists: false } as const
    return { ...server, addresses, allowed: [], tlsa: { kind: 'not_asked', why: 'no_addresses' } }
  }
  const addresses = await dns.addresses(name)
  const allowed = addresses.kind === 'found' ? addresses.records.filter(mayConnect) : []
  const tlsa = await findTlsa(dns, name, mxPort, { mxSecure, addresses })
  return { ...server, addresses, allowed, tlsa }
}
