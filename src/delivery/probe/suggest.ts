import type { DestinationHost, DestinationRule } from '../destination.ts'
import type { ProbedServer } from '../smtp/probe.ts'
import type { DestinationProbe } from './probe.ts'

/** A server that could be pinned: its certificate has its name. */
interface Pinnable {
  readonly host: DestinationHost
  readonly spkiSha256: string
}

/**
 * Rules that would have let mail go. What they pin was seen on an unauthenticated way: nobody may ask for them before the
 * other side has confirmed it on another.
 */
export function suggestRules({
  rule,
  servers,
  shown,
}: Pick<DestinationProbe, 'rule' | 'servers' | 'shown'>): readonly DestinationRule[] {
  if (servers.some(({ result }) => result.ok)) return []
  const { requireTls, limits } = rule
  const kept = { ...(requireTls && { requireTls }), ...(limits && { limits }) }
  if (rule.mode === 'auto') {
    const [first, ...rest] = shown.flatMap(pinnable)
    if (first === undefined) return []
    const pinnables = [first, ...rest]
    return [{ mode: 'pinned', hosts: hostsOf(pinnables), pins: { spkiSha256: keysOf(pinnables) }, ...kept }]
  }
  if (rule.mode !== 'pinned' || rule.pins.spkiSha256 === undefined) return []
  const others = servers.flatMap(pinnable).map(({ spkiSha256 }) => spkiSha256)
  const added = [...new Set(others)].filter(key => rule.pins.spkiSha256?.includes(key) === false)
  if (added.length === 0) return []
  const spkiSha256 = [...added, ...rule.pins.spkiSha256].slice(0, most)
  return [{ ...rule, pins: { ...rule.pins, spkiSha256 } }]
}

/** As many as a rule has room for. */
const most = 8

function pinnable({ host, port, result }: ProbedServer): readonly Pinnable[] {
  const server = { name: host, port, tls: 'starttls' } as const
  if (result.ok) return result.spkiSha256 === null ? [] : [{ host: server, spkiSha256: result.spkiSha256 }]
  const { shown } = result
  if (shown === null || shown.spkiSha256 === null || !namesHost(shown.names, host)) return []
  return [{ host: server, spkiSha256: shown.spkiSha256 }]
}

/** RFC 9525 as the verdict has it, over names as OpenSSL prints them. */
function namesHost(names: string, host: string): boolean {
  const parent = host.slice(host.indexOf('.') + 1)
  return names
    .split(', ')
    .map(name => name.toLowerCase())
    .some(name => name === `dns:${host}` || name === `dns:*.${parent}`)
}

function hostsOf(pinnables: readonly Pinnable[]): DestinationHost[] {
  return pinnables.slice(0, most).map(({ host }) => host)
}

function keysOf(pinnables: readonly Pinnable[]): string[] {
  return [...new Set(pinnables.slice(0, most).map(({ spkiSha256 }) => spkiSha256))]
}
