import type { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TlsEvidence } from '../../../audit/index.ts'
import type { Revocation, RevocationCheck } from '../../../platform/revocation/index.ts'
import { SessionFailure } from '../failure.ts'
import type { Shaken } from './handshake.ts'

/**
 * What is known of a revocation of the server's certificate, at most `limit` milliseconds later. Rejects with a
 * {@link SessionFailure}, `tls_certificate_revoked`, when it or a CA above it was revoked. A certificate that issued itself
 * is trusted as a key, which nobody revokes. The chain has been verified.
 */
export async function checkRevocation(
  { facts, issuers, staple }: Pick<Shaken, 'facts' | 'issuers' | 'staple'>,
  check: RevocationCheck | undefined,
  limit: number,
): Promise<NonNullable<TlsEvidence['revocation']>> {
  const [own, ...above] = linksOf(facts.chain[0], issuers)
  if (own === undefined) return 'not_applicable'
  if (check === undefined) return 'unknown'
  const over = new AbortController()
  const late = sleep<Revocation>(limit, { status: 'stale', source: null }, { signal: over.signal })
  late.catch(() => undefined)
  const ask = ({ certificate, issuer }: Link, response?: Buffer): Promise<Revocation> =>
    Promise.race([check(certificate, issuer, response), late])
  const [{ status }, ...others] = await Promise.all([ask(own, staple), ...above.map(link => ask(link))])
  over.abort()
  // Of a CA only a revocation counts: many publish nothing of themselves.
  if (status === 'revoked' || others.some(other => other.status === 'revoked'))
    throw new SessionFailure('tls_certificate_revoked', { shown: facts })
  return status
}

interface Link {
  readonly certificate: X509Certificate
  readonly issuer: X509Certificate
}

/**
 * The path from the server's certificate up. By signatures: a server can send a certificate that only bears its issuer's
 * name, and answers that "issuer" has signed.
 */
function linksOf(leaf: X509Certificate | undefined, issuers: readonly X509Certificate[]): readonly Link[] {
  const links: Link[] = []
  for (let certificate = leaf; certificate !== undefined && links.length < 8; ) {
    const issued: X509Certificate = certificate
    if (isIssuedBy(issued, issued)) break
    const issuer = issuers.find(other => isIssuedBy(issued, other))
    if (issuer !== undefined) links.push({ certificate: issued, issuer })
    certificate = issuer
  }
  return links
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
