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
  { facts, trusted, staple }: Pick<Shaken, 'facts' | 'trusted' | 'staple'>,
  check: RevocationCheck | undefined,
  limit: number,
): Promise<NonNullable<TlsEvidence['revocation']>> {
  const [leaf] = facts.chain
  if (leaf === undefined || isSelfSigned(leaf)) return 'not_applicable'
  if (check === undefined) return 'unknown'
  const [own, ...above] = pathOf(leaf, facts.chain.slice(1), trusted) ?? []
  // Verified, and by no path that we find? Then nothing is known of it either.
  if (own === undefined) return 'stale'
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
 * The path from the server's certificate to a root that is trusted, by signatures. A server can send certificates that only
 * bear an issuer's names, for an answer that "issuer" has signed, or to hide the way to a CA that was revoked.
 */
function pathOf(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): readonly Link[] | undefined {
  const tried = new Set([leaf])
  const upFrom = (certificate: X509Certificate): readonly Link[] | undefined => {
    for (const issuer of [...trusted, ...sent]) {
      if (tried.has(issuer) || !isIssuedBy(certificate, issuer)) continue
      tried.add(issuer)
      const isEnd = trusted.includes(issuer) && isSelfSigned(issuer)
      const above = isEnd ? [] : upFrom(issuer)
      if (above !== undefined) return [{ certificate, issuer }, ...above]
    }
    return undefined
  }
  return upFrom(leaf)
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** Whatever it may be used for. */
function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.issuer === certificate.subject && certificate.verify(certificate.publicKey)
}
