import type { TlsEvidence } from '../../audit/index.ts'
import type { FailureOutcome } from '../outcome.ts'
import type { Route } from '../route/route.ts'
import { type HandshakeFacts, spkiSha256 } from '../tls-verdict.ts'
import { SessionFailure } from './failure.ts'
import { type Channel, type ChannelOptions, openChannel, type Target, tellOfAttack } from './open-channel.ts'
import { type Peer, targetsOf } from './open-session.ts'
import { replyText } from './reply.ts'

/** What a server showed that was not good enough, for whoever has to put it right. The server's own words: inert text. */
export interface Shown {
  readonly version: string | null
  readonly cipher: string | null
  readonly group: string | null
  /** The subject alternative names as OpenSSL prints them, at most 512 characters of printable ASCII. */
  readonly names: string
  /** ISO 8601. */
  readonly notBefore: string | null
  readonly notAfter: string | null
  /** What `pins.spkiSha256` would have to hold. */
  readonly spkiSha256: string | null
  /** SHA-256 of each certificate, the server's own first. */
  readonly chainSha256: readonly string[]
}

export type ProbeResult =
  | {
      readonly ok: true
      readonly evidence: TlsEvidence
      readonly extensions: Channel['extensions']
      /** What `pins.spkiSha256` would have to hold. */
      readonly spkiSha256: string | null
    }
  | {
      readonly ok: false
      readonly outcome: FailureOutcome
      /** The server's reply, scrubbed, printable and bounded; null when it did not come to one. */
      readonly reply: string | null
      /** Null when no handshake was finished. */
      readonly shown: Shown | null
    }

/**
 * All of a session that comes before a mail: EHLO, STARTTLS, handshake, verdict, revocation, EHLO, a relay's login, QUIT. No
 * MAIL FROM. Rejects only when `onAttack` does.
 */
export async function probeTarget(target: Target, options: ChannelOptions): Promise<ProbeResult> {
  let channel: Channel
  try {
    channel = await openChannel(target, options)
  } catch (error) {
    if (!(error instanceof SessionFailure))
      return { ok: false, outcome: 'internal_error', reply: null, shown: null }
    const { outcome, reply, shown } = error
    await tellOfAttack(outcome, target, options)
    return {
      ok: false,
      outcome,
      reply: reply === undefined ? null : replyText(reply),
      shown: shown === undefined ? null : shownOf(shown),
    }
  }
  const { socket, evidence, extensions } = channel
  const leaf = socket.getPeerX509Certificate()
  socket.end('QUIT\r\n')
  const grace = setTimeout(() => socket.destroy(), 1000)
  socket.once('close', () => clearTimeout(grace)).resume()
  return { ok: true, evidence, extensions, spkiSha256: leaf === undefined ? null : spkiSha256(leaf) }
}

/** One server at one address, or a server that is not even tried. */
export interface ProbedServer extends Peer {
  readonly result: ProbeResult
}

/** Probes every server of the route at each of its addresses, one after the other. Rejects only when `onAttack` does. */
export async function probeRoute(
  route: Extract<Route, { ok: true }>,
  options: ChannelOptions,
): Promise<readonly ProbedServer[]> {
  const probed: ProbedServer[] = []
  for (const candidate of route.candidates) {
    for (const target of targetsOf(candidate, route)) {
      if ('ok' in target) {
        const { peer, outcome } = target
        probed.push({ ...peer, result: { ok: false, outcome, reply: null, shown: null } })
      } else {
        const { host, address } = target
        const result = await probeTarget(target, options)
        probed.push({ host: host.name, address, port: host.port, result })
      }
    }
  }
  return probed
}

function shownOf({ protocol, cipher, group, chain }: HandshakeFacts): Shown {
  const [leaf] = chain
  return {
    version: protocol,
    cipher: cipher ?? null,
    group,
    names: (leaf?.subjectAltName ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, 512),
    notBefore: leaf?.validFromDate.toISOString() ?? null,
    notAfter: leaf?.validToDate.toISOString() ?? null,
    spkiSha256: leaf === undefined ? null : spkiSha256(leaf),
    chainSha256: chain.map(({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase()),
  }
}
