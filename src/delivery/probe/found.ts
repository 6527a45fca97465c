import { describeRule } from '../destinations/words.ts'
import type { ProbedServer } from '../smtp/probe.ts'
import type { DestinationProbe } from './probe.ts'

type Findings = NonNullable<DestinationProbe['report']['findings']>
type Host = Findings['hosts'][number]

const ruleWords = {
  stored: 'the rule in force',
  given: 'the rule given',
  assumed: 'no rule is stored; this is what auto would do',
} as const

/** All that a probe found, line by line, indented by two. Names in it are foreign text. */
export function probeFindings({
  domain,
  rule,
  ruleIs,
  report,
  servers,
  shown,
}: DestinationProbe): readonly string[] {
  const { findings, validates } = report
  return [
    `${domain}: ${rule.mode} (${ruleWords[ruleIs]})`,
    ...(ruleIs === 'assumed' ? [] : describeRule(rule).map(sentence => `  ${sentence}`)),
    ...(validates || findings === undefined
      ? []
      : ['', 'DNS proves nothing here: no resolver that validates, so DANE is off']),
    ...(findings === undefined ? [] : ['', ...findingLines(findings)]),
    ...(servers.length === 0
      ? []
      : ['', 'Servers, up to the first MAIL FROM', ...servers.flatMap(serverLines)]),
    ...(shown.length === 0
      ? []
      : ['', 'What they show, although nothing says that they are the ones', ...shown.flatMap(serverLines)]),
  ]
}

function findingLines({ mx, hosts, sts }: Findings): readonly string[] {
  const proved = mx.kind !== 'failed' && mx.secure ? 'proved by DNSSEC' : 'not proved'
  return [
    mx.kind === 'failed'
      ? 'MX: DNS failed'
      : `MX (${proved}): ${hosts.length === 0 ? 'none' : hosts.map(({ name }) => name).join(', ')}`,
    ...hosts.flatMap(hostLines),
    `MTA-STS: ${stsWords(sts)}`,
  ]
}

function hostLines({ name, preference, addresses, allowed, tlsa }: Host): readonly string[] {
  const found = addresses.kind === 'found' ? addresses.records : []
  const refused = found.filter(address => !allowed.includes(address))
  return [
    `  ${name}${preference === null ? ', which has no MX record' : `, preference ${preference}`}`,
    `    addresses: ${found.length === 0 ? addresses.kind : found.join(', ')}${refused.length === 0 ? '' : `; not allowed: ${refused.join(', ')}`}`,
    `    TLSA: ${tlsaWords(tlsa)}`,
  ]
}

const notAsked = {
  mx_insecure: 'not asked for, the MX records are not proved',
  addresses_insecure: 'not asked for, the addresses are not proved',
  no_addresses: 'not asked for, there is no address',
} as const

function tlsaWords(tlsa: Host['tlsa']): string {
  switch (tlsa.kind) {
    case 'not_asked':
      return notAsked[tlsa.why]
    case 'failed':
      return 'DNS failed'
    case 'none':
      return tlsa.secure ? 'none, which is proved' : 'none'
    case 'found': {
      const words = ({ usage, selector, matchingType, data }: (typeof tlsa.usable)[number]): string =>
        `${usage} ${selector} ${matchingType} ${data.slice(0, 64)}`
      return [
        ...tlsa.usable.map(words),
        ...tlsa.unusable.map(record => `${words(record)} (of no use for mail)`),
      ].join('; ')
    }
  }
}

function stsWords(sts: Findings['sts']): string {
  switch (sts.kind) {
    case 'none':
      return 'none'
    case 'failed':
      return `announced, but it could not be had: ${sts.reason.replaceAll('_', ' ')}`
    case 'policy': {
      const stale = sts.stale === undefined ? '' : `; a copy, because ${sts.stale.replaceAll('_', ' ')}`
      return `${sts.mode}, id ${sts.id}, for ${sts.mx.join(', ')}, until ${sts.expiresAt.toISOString()}${stale}`
    }
  }
}

function serverLines({ host, address, port, result }: ProbedServer): readonly string[] {
  const at = `  ${host}${address === null ? '' : ` ${address}:${port}`}`
  if (!result.ok) {
    const { outcome, reply, shown } = result
    return [
      `${at}: ${outcome}`,
      ...(reply === null ? [] : [`    said: ${reply}`]),
      ...(shown === null
        ? []
        : [
            `    ${[shown.version, shown.cipher, shown.group].filter(part => part !== null).join(' ')}`,
            `    certificate for ${shown.names === '' ? 'no name' : shown.names}, ${shown.notBefore ?? '?'} to ${shown.notAfter ?? '?'}`,
            `    key (SPKI SHA-256) ${shown.spkiSha256 ?? '?'}`,
          ]),
    ]
  }
  const { evidence, extensions, spkiSha256 } = result
  const { rule, version, cipher, group, tlsa, stsPolicy, revocation } = evidence
  const offers = [
    extensions.requireTls ? 'REQUIRETLS' : null,
    extensions.size === undefined ? null : `SIZE ${extensions.size}`,
    extensions.dsn ? 'DSN' : null,
    extensions.pipelining ? 'PIPELINING' : null,
  ].filter(offer => offer !== null)
  const by = [rule, tlsa, stsPolicy].filter(part => part !== undefined).join(' ')
  return [
    `${at}: authenticated (${by})`,
    `    ${version} ${cipher} ${group ?? ''}`.trimEnd(),
    `    certificates (SHA-256) ${(evidence.chainSha256 ?? [evidence.certificateSha256]).join(', ')}`,
    `    revocation: ${(revocation ?? 'unknown').replaceAll('_', ' ')}`,
    `    offers ${offers.length === 0 ? 'nothing that we use' : offers.join(', ')}`,
    ...(spkiSha256 === null ? [] : [`    key (SPKI SHA-256) ${spkiSha256}`]),
  ]
}
