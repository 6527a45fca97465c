import type { X509Certificate } from 'node:crypto'
import { type CertificateParts, readCertificate } from './asn1/certificate.ts'
import { type ListDependencies, openLists } from './crl/lists.ts'
import type { Issuer } from './crl/read.ts'
import { covers } from './crl/scope.ts'
import { openResponders, soundAnswer } from './ocsp/responders.ts'
import type { Revocation, RevocationCheck } from './revocation.ts'
import { type Sources, sourcesOf } from './sources.ts'

const stale: Revocation = { status: 'stale', source: null }

/**
 * Asks in this order: the staple, and nobody else when there is one, be it unsound; the lists that the certificate names;
 * the responders that it names. A list is asked for again after an hour and used until its end; after a failure a place is
 * left alone for a minute.
 */
export function openRevocation(dependencies: ListDependencies): RevocationCheck {
  const { clock } = dependencies
  const findList = openLists(dependencies)
  const responders = openResponders(dependencies)

  const byLists = async (
    { lists }: Sources,
    subject: CertificateParts,
    issuer: Issuer,
    isAuthority: boolean,
  ): Promise<Revocation | undefined> => {
    for (const source of lists) {
      const list = await findList(source.url, issuer)
      if (list === undefined || !covers(list.scope, source, isAuthority)) continue
      return { status: list.has(subject.serial) ? 'revoked' : 'good', source: 'crl' }
    }
    return undefined
  }

  const judge = async (leaf: X509Certificate, by: X509Certificate, staple: Buffer | undefined) => {
    const subject = readCertificate(leaf.raw)
    const issuer = { parts: readCertificate(by.raw), key: by.publicKey }
    if (!subject.issuer.equals(issuer.parts.subject) || !leaf.verify(issuer.key)) return stale
    const sources = sourcesOf(subject)
    if (staple !== undefined || sources.mustStaple) {
      const answer = staple && (await soundAnswer(staple, subject, issuer, clock.now()))
      return { status: answer?.status ?? 'stale', source: 'ocsp' } as const
    }
    if (!sources.namesLists && !sources.namesResponders) return { status: 'unknown', source: null } as const
    const listed = await byLists(sources, subject, issuer, leaf.ca)
    if (listed !== undefined) return listed
    const answer = await responders.ask(subject, issuer, sources.responders)
    return answer === undefined ? stale : ({ status: answer.status, source: 'ocsp' } as const)
  }

  return async (leaf, issuer, staple) => {
    try {
      return await judge(leaf, issuer, staple)
    } catch {
      // A certificate that OpenSSL reads and we do not: whatever it says of revocation, we did not understand it.
      return stale
    }
  }
}
