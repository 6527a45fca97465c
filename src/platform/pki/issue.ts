import 'reflect-metadata' // @peculiar/x509 throws unless this came first
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { systemClock } from '../../kernel/index.ts'

/** A certificate and its private key (PKCS #8), both PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

export interface Validity {
  /** Whole days from now, less than nothing for a certificate that has ended already. */
  readonly days: number
}

export interface CertificateOptions extends Validity {
  readonly commonName: string
  /** Subject alternative names; none leaves the extension out. */
  readonly names: x509.JsonGeneralNames
  readonly usage: 'server' | 'client'
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const hour = 3_600_000

/** A self-signed CA that may sign end-entity certificates only (path length 0). */
export async function createAuthority(
  options: Validity & { readonly commonName: string },
): Promise<Identity> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: [{ CN: [options.commonName] }],
    serialNumber: newSerial(),
    ...validity(options.days),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return identity(certificate, keys.privateKey)
}

/** A new P-256 key and a certificate for it, with the profile of RFC 5280 for TLS 1.3: digital signatures only. */
export async function issueCertificate(authority: Identity, options: CertificateOptions): Promise<Identity> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const signingKey = createPrivateKey(authority.key).toCryptoKey(algorithm, false, ['sign'])
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    publicKey: keys.publicKey,
    signingKey,
    subject: [{ CN: [options.commonName] }],
    issuer: issuer.subjectName.toJSON(),
    serialNumber: newSerial(),
    ...validity(options.days),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[`${options.usage}Auth`]]),
      ...(options.names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(options.names)]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return identity(certificate, keys.privateKey)
}

/** 127 random bits, positive (RFC 5280 section 4.1.2.2 asks for at most 20 octets, CAs for at least 64 random bits). */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return bytes.toString('hex')
}

/** Begins an hour ago, for hosts whose clocks lag. A negative `days` moves the whole span into the past. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = systemClock.now().getTime()
  const end = now + days * 24 * hour
  return { notBefore: new Date(Math.min(now, end) - hour), notAfter: new Date(end) }
}

function identity(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Identity {
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }),
  }
}
