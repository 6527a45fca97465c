import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { certificatesOf, fingerprintOf, flawed, isIssuedBy, isValidAt } from './certificates.ts'
import { rehearse, type ServerIdentity } from './rehearse.ts'

export interface IdentityRules {
  readonly now: Date
  /** SHA-256 of certificates of other environments. */
  readonly foreign: readonly string[]
  /** Whether the public CAs must find it good; with other roots than Node's in tests. */
  readonly publicly?: boolean | { readonly roots: readonly string[] }
}

const serverAuthentication = '1.3.6.1.5.5.7.3.1'

/**
 * Looks at a certificate chain and key of ours as strictly as a client would, and at what clients do not see.
 * Resolves with the certificate and, when it was sent along, its issuer's. Throws `tls_material_refused` with the flaw.
 */
export async function judgeIdentity(
  identity: ServerIdentity,
  rules: IdentityRules,
): Promise<{ readonly own: X509Certificate; readonly issuer: X509Certificate | undefined }> {
  const chain = certificatesOf(identity.certificate, 'certificate_unreadable')
  const [own, ...others] = chain
  if (chain.some(certificate => rules.foreign.includes(fingerprintOf(certificate)))) {
    throw flawed('foreign_certificate')
  }
  judgeOwn(own, rules.now)
  others.reduce((issued, issuer) => {
    if (!isIssuedBy(issued, issuer) || !issuer.ca || !isValidAt(issuer, rules.now))
      throw flawed('chain_broken')
    return issuer
  }, own)
  if (!own.checkPrivateKey(readKey(identity.key))) throw flawed('key_of_another_certificate')
  await rehearse(identity, { kind: 'itself' })
  const { publicly = false } = rules
  if (publicly !== false) {
    await rehearse(identity, { kind: 'public', ...(publicly === true ? {} : publicly) })
  }
  return { own, issuer: others[0] }
}

/** Likewise a certificate that we show to a server. Throws `tls_material_refused` with the flaw. */
export function judgeClientIdentity(
  { certificate, key }: ServerIdentity,
  { now, foreign }: Pick<IdentityRules, 'now' | 'foreign'>,
): X509Certificate {
  const chain = certificatesOf(certificate, 'certificate_unreadable')
  const [own] = chain
  if (chain.some(sent => foreign.includes(fingerprintOf(sent)))) throw flawed('foreign_certificate')
  if (own.validFromDate > now) throw flawed('certificate_not_yet_valid')
  if (own.validToDate <= now) throw flawed('certificate_expired')
  if (!own.checkPrivateKey(readKey(key))) throw flawed('key_of_another_certificate')
  return own
}

function judgeOwn(own: X509Certificate, now: Date): void {
  if (own.validFromDate > now) throw flawed('certificate_not_yet_valid')
  if (own.validToDate <= now) throw flawed('certificate_expired')
  if (own.ca) throw flawed('certificate_of_a_ca')
  // RFC 9525 section 2: names stand in the SAN only.
  if (!/(?:DNS|IP Address):/.test(own.subjectAltName ?? '')) throw flawed('certificate_without_names')
  const usages = own.keyUsage as readonly string[] | undefined
  if (usages !== undefined && !usages.includes(serverAuthentication))
    throw flawed('certificate_not_for_servers')
  if (!isStrong(own.publicKey)) throw flawed('certificate_key_weak')
}

/** RFC 9325 section 4.2: RSA of 2048 bits, elliptic curves of 256. */
function isStrong({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? 0) >= 2048
  if (type === 'ec') return ['prime256v1', 'secp384r1', 'secp521r1'].includes(details?.namedCurve ?? '')
  return type === 'ed25519' || type === 'ed448'
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw flawed('key_unreadable', cause)
  }
}
