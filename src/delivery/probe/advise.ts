import type { TlsLevel } from '../../audit/index.ts'
import type { DestinationRule } from '../destination.ts'
import { type FailureOutcome, outcomes } from '../outcome.ts'
import type { DomainFindings } from '../route/report.ts'
import type { ProbedServer } from '../smtp/probe.ts'
import type { AskedByPolicy, DestinationProbe } from './probe.ts'
import { serverAdvice } from './server-advice.ts'
import { suggestRules } from './suggest.ts'

/** What a person can conclude, and do. */
export interface ProbeVerdict {
  /** Whether mail could go, by this rule, now. */
  readonly ok: boolean
  /** How the first server that proved itself did. */
  readonly level: TlsLevel | null
  /** Why mail could not go. */
  readonly outcome: FailureOutcome | null
  readonly summary: string
  /** What to do, the best first. */
  readonly advice: readonly string[]
  /** Rules that would do, to be asked for once what they pin was compared with the other side. */
  readonly rules: readonly DestinationRule[]
}

type Seen = Omit<DestinationProbe, 'verdict'>

const levels = {
  dane: 'DANE',
  pinned: 'the pins of the rule',
  mta_sts: 'MTA-STS in mode enforce',
  secure: 'a public CA',
} as const satisfies Record<TlsLevel, string>

export function adviseOn(seen: Seen, policy: AskedByPolicy): ProbeVerdict {
  const { rule, ruleIs, servers, domain } = seen
  const server = servers.find(({ result }) => result.ok)
  if (policy === 'none') {
    return no('sending_not_approved', ['Have a crypto policy adopted by two operators.'], suggestRules(seen))
  }
  if (server?.result.ok === true) {
    const level = server.result.evidence.rule
    const by = ruleIs === 'assumed' ? 'auto would use' : `${rule.mode} uses`
    const how = isRelayed(seen)
      ? `our relay ${server.host} proved itself by ${levels[level]}`
      : `${by} ${levels[level]} for ${server.host}`
    const set =
      ruleIs === 'assumed'
        ? [`The domain has no rule yet. Set auto in the console, or with: sealpost destination set ${domain}`]
        : []
    const down = servers.filter(({ result }) => !result.ok).map(serverAdvice)
    return {
      ok: true,
      level,
      outcome: null,
      summary: `Mail can go: ${how}.`,
      advice: [...set, ...down],
      rules: [],
    }
  }
  const advice = servers.filter(one => !isOfTheWay(one)).map(serverAdvice)
  if (isRelayed(seen)) {
    advice.push('All mail goes to our own relay: its rule is the file SEALPOST_RELAY_RULE_FILE.')
    return no(outcomeOf(seen), advice, [])
  }
  return no(outcomeOf(seen), [...wayAdvice(seen), ...advice], suggestRules(seen))
}

function no(
  outcome: FailureOutcome,
  advice: readonly string[],
  rules: readonly DestinationRule[],
): ProbeVerdict {
  return {
    ok: false,
    level: null,
    outcome,
    summary: `Mail cannot go. ${outcomes[outcome][1]}`,
    advice,
    rules,
  }
}

function outcomeOf({ report: { route }, servers }: Seen): FailureOutcome {
  if (!route.ok) return route.outcome
  const first = servers.find(({ result }) => !result.ok)?.result
  return first === undefined || first.ok ? 'internal_error' : first.outcome
}

function isRelayed({ report: { route } }: Seen): boolean {
  return route.ok && route.asked === 'relay'
}

/** A server that was not even tried, for what DNS and the policies of others say of the way to it. */
function isOfTheWay({ address, result }: ProbedServer): boolean {
  return address === null && !result.ok && result.outcome !== 'address_not_allowed'
}

/** What stands in the way before any server is spoken to. */
function wayAdvice({ rule, report, servers, domain }: Seen): readonly string[] {
  const { findings, validates, route } = report
  if (findings === undefined || (route.ok && !servers.some(isOfTheWay))) return []
  const { mx, sts } = findings
  if (mx.kind === 'failed') {
    return [
      `DNS does not answer for ${domain}, or what it answers is bogus. If it stays so, tell their postmaster, and look at our own resolver.`,
    ]
  }
  if (mx.kind === 'none' && !mx.exists)
    return [`There is no domain ${domain}. Is it written as in the addresses?`]
  if (findings.hosts.length === 0) return [`${domain} says that it takes no mail.`]
  const advice = [...daneAdvice(findings, validates)]
  if (rule.mode === 'auto' && rule.floor === 'dane') return advice
  if (sts.kind === 'none') {
    advice.push('Or ask them for an MTA-STS policy in mode enforce (RFC 8461) that names their mail servers.')
  } else if (sts.kind === 'failed') {
    advice.push(
      `They announce an MTA-STS policy that cannot be fetched (${sts.reason.replaceAll('_', ' ')}): ask them to look at https://mta-sts.${domain}/.well-known/mta-sts.txt.`,
    )
  } else if (sts.mode !== 'enforce') {
    advice.push(`Their MTA-STS policy is in mode ${sts.mode}: ask them to set it to enforce.`)
  } else {
    const names = findings.hosts.map(({ name }) => name).join(', ')
    advice.push(
      `Their MTA-STS policy names ${sts.mx.join(', ')}; DNS names ${names}. If DNS is right, ask them to add what is missing.`,
    )
  }
  return advice
}

function daneAdvice({ mx, hosts }: DomainFindings, validates: boolean): readonly string[] {
  if (!validates) {
    return [
      'Our own resolver proves nothing, so DANE is off here: set SEALPOST_DNS_RESOLVER to one on this host that validates DNSSEC.',
    ]
  }
  if (hosts.some(({ tlsa }) => tlsa.kind === 'failed')) {
    return [
      'DNS does not answer for their TLSA records, or what it answers is bogus; nothing weaker is tried.',
    ]
  }
  if (hosts.some(({ tlsa }) => tlsa.kind === 'found' && tlsa.usable.length > 0)) return []
  if (hosts.some(({ tlsa }) => tlsa.kind === 'found')) {
    return [
      'Their TLSA records are of kinds that mail does not use (RFC 7672 section 3.1.3): ask them for 3 1 1, or 2 1 1 for a CA.',
    ]
  }
  const signed = mx.kind !== 'failed' && mx.secure
  return [
    signed
      ? 'Their zone is signed, but their mail servers have no TLSA records that DNSSEC proves: ask them to publish 3 1 1 for each (RFC 7672).'
      : 'Their zone is not signed: ask them for DNSSEC and TLSA records (DANE, RFC 7672).',
  ]
}
