import type { DestinationRule } from '../../destination.ts'
import { reaches } from '../../level.ts'
import type { FailureOutcome } from '../../outcome.ts'
import type { DomainFindings, HostFinding, StsFinding } from '../report.ts'
import type { Candidate, Proof, Route } from '../route.ts'
import { namesHost } from '../sts/policy.ts'
import { isHostName } from './host-name.ts'

type AutoRule = Extract<DestinationRule, { mode: 'auto' }>

// A host with a hundred addresses is not tried a hundred times.
const addressesPerHost = 2

/**
 * The route to a domain that authenticates itself. Each server gets the strongest proof that it has, and none that could
 * be had by suppressing a stronger one. Those that cannot be tried come last, the failure that says most first: it is
 * what a person is told when nothing else happened.
 */
export function decide(rule: AutoRule, findings: DomainFindings, port: number): Route {
  const { mx, hosts, sts } = findings
  const candidates = hosts.map(host => judge(rule, host, findings, port))
  const refused = candidates
    .filter(candidate => 'outcome' in candidate)
    .toSorted((one, other) => rank(one.outcome) - rank(other.outcome))
  const [first, ...rest] = [...candidates.filter(candidate => 'proof' in candidate), ...refused]
  if (first !== undefined) {
    const { requireTls, limits } = rule
    return { ok: true, asked: 'auto', requireTls, limits, candidates: [first, ...rest] }
  }
  if (mx.kind !== 'found') return { ok: false, outcome: 'dns_failed' }
  // The null MX (RFC 7505) ends deliveries for good. A policy that names servers says otherwise; then DNS has to prove it.
  // So has it where nobody can tell whether there is such a policy.
  if (mx.secure) return { ok: false, outcome: 'domain_takes_no_mail' }
  if (sts.kind === 'failed') return { ok: false, outcome: outcomeOf(sts) }
  return { ok: false, outcome: isEnforced(sts) ? 'mx_not_in_policy' : 'domain_takes_no_mail' }
}

function judge(rule: AutoRule, host: HostFinding, findings: DomainFindings, port: number): Candidate {
  const server = { name: host.name, port, tls: 'starttls' } as const
  const proof = proofOf(host, findings)
  if (typeof proof === 'string') return { host: server, outcome: proof }
  if (rule.floor !== undefined && !reaches(proof.level, rule.floor)) {
    return { host: server, outcome: 'destination_below_floor' }
  }
  const [first, ...rest] = host.allowed.slice(0, addressesPerHost)
  if (first === undefined) return { host: server, outcome: 'address_not_allowed' }
  return { host: server, addresses: [first, ...rest], proof }
}

function proofOf(host: HostFinding, { domain, mx, sts }: DomainFindings): Proof | FailureOutcome {
  const { name, addresses, tlsa } = host
  if (!isHostName(name)) return 'address_not_allowed'
  if (addresses.kind !== 'found' || tlsa.kind === 'failed') return 'dns_failed'
  if (tlsa.kind === 'found' && tlsa.usable.length > 0) {
    const { base, usable } = tlsa
    // RFC 7672 section 3.2.2: a server may show its own name or, MX records being proved, the domain's.
    const aliases = mx.kind === 'found' ? [domain, mx.canonical] : [domain]
    const names = new Set(aliases)
    names.delete(base)
    return { level: 'dane', tlsa: usable, names: [base, ...names] }
  }
  if (isEnforced(sts)) {
    return namesHost(sts, name) ? { level: 'mta_sts', policyId: sts.id } : 'mx_not_in_policy'
  }
  return sts.kind === 'failed' ? outcomeOf(sts) : 'destination_not_authenticated'
}

function outcomeOf({ reason }: Extract<StsFinding, { kind: 'failed' }>): FailureOutcome {
  return reason === 'dns_failed' ? 'dns_failed' : 'mta_sts_unavailable'
}

function isEnforced(sts: StsFinding): sts is Extract<StsFinding, { kind: 'policy' }> {
  return sts.kind === 'policy' && sts.mode === 'enforce'
}

/** What may pass by itself, then what somebody there has to mend, then what somebody here has to decide. */
const byWeight: readonly FailureOutcome[] = [
  'dns_failed',
  'mta_sts_unavailable',
  'mx_not_in_policy',
  'address_not_allowed',
  'destination_below_floor',
]

function rank(outcome: FailureOutcome): number {
  const at = byWeight.indexOf(outcome)
  return at === -1 ? byWeight.length : at
}
