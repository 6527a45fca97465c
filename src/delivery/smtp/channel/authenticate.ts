import type { X509Certificate } from 'node:crypto'
import type { Clock } from '../../../kernel/index.ts'
import type { TlsaRecord } from '../../../platform/dns/index.ts'
import type { DestinationHost } from '../../destination.ts'
import type { Proof } from '../../route/route.ts'
import { type HandshakeEvidence, judgeHandshake, needsChain } from '../../tls-verdict.ts'
import {
  type Anchor,
  givenAnchors,
  hasEndEntity,
  isGiven,
  matchAnchors,
  matchEndEntity,
} from '../../verdict/dane.ts'
import { SessionFailure } from '../failure.ts'
import { type Anchors, forgetAnchors, knownAnchors, rememberAnchors } from './anchors.ts'
import type { Shaken, Trust } from './handshake.ts'

/** A new connection to the server, up to the end of the handshake. */
export type Connect = (trust: Trust) => Promise<Shaken>

export interface Authenticated extends Shaken {
  readonly evidence: HandshakeEvidence
}

type Dane = Extract<Proof, { level: 'dane' }>

/** A connection to the server that `proof` describes. Rejects with a {@link SessionFailure}; then nothing was sent inside TLS. */
export async function authenticate(
  { proof, host }: { readonly proof: Proof; readonly host: DestinationHost },
  connect: Connect,
  clock: Clock,
  publicCa: string | undefined,
): Promise<Authenticated> {
  const judge = (shaken: Shaken, anchor?: TlsaRecord): Authenticated => {
    const facts = anchor === undefined ? shaken.facts : { ...shaken.facts, anchor }
    const verdict = judgeHandshake(proof, host.name, facts, clock.now())
    if (verdict.ok) return { ...shaken, evidence: verdict.evidence }
    throw new SessionFailure(verdict.outcome, { shown: facts })
  }
  if (proof.level === 'dane') return authenticateByDane(proof, connect, judge)
  if (!needsChain(proof)) return judge(await connect({ kind: 'key' }))
  const ca = proof.level === 'pinned' ? proof.pins.ca : publicCa
  return judge(await connect({ kind: 'chain', ca, names: [host.name] }))
}

/**
 * DANE-EE(3) is judged on what the server showed. DANE-TA(2) takes a path to the anchor, and paths are OpenSSL's to verify:
 * the anchor is learnt from one handshake, on which nothing follows, and is the only CA of the next.
 */
async function authenticateByDane(
  proof: Dane,
  connect: Connect,
  judge: (shaken: Shaken, anchor?: TlsaRecord) => Authenticated,
): Promise<Authenticated> {
  const verified = async (anchors: Anchors): Promise<Authenticated> => {
    const ca = anchors.map(({ certificate }) => certificate.toString())
    const shaken = await connect({ kind: 'chain', ca, names: proof.names, partial: true })
    return judge(shaken, usedOf(anchors, shaken.facts.chain)?.record)
  }
  const known = hasEndEntity(proof.tlsa) ? undefined : knownAnchors(proof.tlsa)
  if (known !== undefined) {
    try {
      return await verified(known)
    } catch (error) {
      // The same key may have a newer certificate by now.
      if (!(error instanceof SessionFailure) || !ofChain.has(error.outcome)) throw error
      forgetAnchors(proof.tlsa)
    }
  }
  const first = await connect({ kind: 'key' })
  const [leaf, ...above] = first.facts.chain
  if (leaf !== undefined && matchEndEntity(proof.tlsa, leaf) !== undefined) return judge(first)
  const [anchor, ...more] = [...matchAnchors(proof.tlsa, above), ...givenAnchors(proof.tlsa)]
  // Judged without an anchor it says what it lacks, weak TLS before the record.
  if (anchor === undefined) return judge(first)
  first.socket.destroy()
  const anchors: Anchors = [anchor, ...more]
  const second = await verified(anchors)
  rememberAnchors(proof.tlsa, anchors)
  return second
}

const ofChain: ReadonlySet<string> = new Set([
  'tls_certificate_untrusted',
  'tls_certificate_expired',
  'tls_dane_mismatch',
])

/**
 * The anchor to which the path went. A server has to send it, also one that sent it another time (RFC 7671 section 5.2.1), so
 * that what becomes of a mail does not hang on what was remembered.
 */
function usedOf(anchors: Anchors, sent: readonly X509Certificate[]): Anchor | undefined {
  return anchors.find(
    ({ record, certificate }) => isGiven(record) || sent.some(({ raw }) => raw.equals(certificate.raw)),
  )
}
