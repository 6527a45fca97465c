import { X509Certificate } from 'node:crypto'
import type { DestinationHost, DestinationRule } from '../destination.ts'

type Listed = Exclude<DestinationRule, { mode: 'auto' }>

/** A rule in plain sentences, for whoever approves it. Names in them are as the rule has them: foreign text. */
export function describeRule(rule: DestinationRule): readonly string[] {
  return [
    ...(rule.mode === 'auto' ? autoWords(rule) : listedWords(rule)),
    ...requireTlsWords(rule),
    ...limitWords(rule),
  ]
}

/** The servers of a rule in a few words. */
export function serversOf(rule: DestinationRule): string {
  return rule.mode === 'auto' ? 'those that DNS names' : rule.hosts.map(hostWords).join(', ')
}

function autoWords({ floor }: Extract<DestinationRule, { mode: 'auto' }>): readonly string[] {
  const found = 'The mail servers are those that DNS names (MX).'
  return floor === 'dane'
    ? [found, 'A server gets mail only if DANE proves its key (DNSSEC and TLSA). MTA-STS is not enough.']
    : [
        found,
        'A server gets mail only if DANE proves its key (DNSSEC and TLSA) or, where it has no DANE, the domain’s MTA-STS policy in mode enforce names it.',
        'Where there is neither, nothing is sent.',
      ]
}

function listedWords(rule: Listed): readonly string[] {
  const servers = `Mail goes to these servers in this order, whatever DNS says of the domain: ${serversOf(rule)}.`
  const name = 'Each must show a certificate with its name.'
  if (rule.mode === 'secure') return [servers, name, 'That certificate must come from a public CA.']
  const { ca, spkiSha256 = [] } = rule.pins
  return [
    servers,
    name,
    ...(ca === undefined ? [] : [`That certificate must come from this CA and no other: ${caWords(ca)}`]),
    ...(spkiSha256.length === 0
      ? []
      : [
          `${ca === undefined ? 'Its' : 'And its'} key must be one of those with this SHA-256: ${spkiSha256.join(', ')}`,
        ]),
  ]
}

function hostWords({ name, port, tls }: DestinationHost): string {
  return tls === 'implicit' ? `${name}:${port} (TLS from the first byte)` : `${name}:${port} (STARTTLS)`
}

function caWords(pem: string): string {
  return pemBlocks(pem)
    .map(block => {
      try {
        const { subject, fingerprint256, validTo } = new X509Certificate(block)
        const digest = fingerprint256.replaceAll(':', '').toLowerCase()
        return `${subject.replaceAll('\n', ', ')}, until ${validTo}, SHA-256 ${digest}`
      } catch {
        return 'what is given is no certificate'
      }
    })
    .join('; ')
}

/** Each certificate of a PEM text on its own. */
export function pemBlocks(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
}

function requireTlsWords({ requireTls }: DestinationRule): readonly string[] {
  switch (requireTls) {
    case 'must':
      return ['A server that does not promise TLS for the whole way on (REQUIRETLS) gets nothing.']
    case 'if_offered':
      return ['A server that offers it is asked for TLS on the whole way on (REQUIRETLS).']
    case undefined:
      return []
  }
}

function limitWords({ limits }: DestinationRule): readonly string[] {
  const { connections, messagesPerMinute } = limits ?? {}
  const words = [
    ...(connections === undefined ? [] : [`${connections} connections at a time`]),
    ...(messagesPerMinute === undefined ? [] : [`${messagesPerMinute} messages a minute`]),
  ]
  return words.length === 0 ? [] : [`At most ${words.join(' and ')}, for each replica.`]
}
