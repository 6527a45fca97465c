import type { X509Certificate } from 'node:crypto'
import type { Clock } from '../../kernel/index.ts'
import { readCertificate } from './asn1/certificate.ts'
import type { SignedFetch } from './fetch.ts'
import { openResponders } from './ocsp/responders.ts'
import { sourcesOf } from './sources.ts'

/**
 * The OCSP response to staple for `leaf`, made by `issuer`: fresh and verified, `revoked` as well as `good`. Undefined when the
 * certificate names no responder or none gave one. What is in memory comes at once, and after an hour is replaced in the
 * background; with nothing in memory, this waits for the responder (at most the deadline of the fetch). Never rejects.
 */
export type Stapler = (leaf: X509Certificate, issuer: X509Certificate) => Promise<Buffer | undefined>

export function openStapler(dependencies: { readonly fetch: SignedFetch; readonly clock: Clock }): Stapler {
  const responders = openResponders(dependencies)
  return async (leaf, by) => {
    try {
      const subject = readCertificate(leaf.raw)
      const issuer = { parts: readCertificate(by.raw), key: by.publicKey }
      const urls = sourcesOf(subject).responders
      const held = responders.held(subject, issuer)
      if (held?.isDue === false) return held.answer.der
      const asked = urls.length === 0 ? undefined : responders.ask(subject, issuer, urls)
      return held?.answer.der ?? (await asked)?.der
    } catch {
      // Not a certificate that we can read; then there is nothing to staple for it.
      return undefined
    }
  }
}
