import 'reflect-metadata' // @peculiar/x509 throws unless this came first
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { TlsaRecord } from '../../src/platform/dns/index.ts'
import type { Identity } from '../../src/platform/pki/index.ts'

/** Certificates to order, for chains that no sound CA would make and keys that many certificates share. */
export interface Order {
  readonly commonName?: string
  readonly names?: readonly string[]
  /** PKCS #8 PEM. Default: a new one. */
  readonly key?: string
  readonly authority?: boolean
  readonly usage?: 'server' | 'client'
  /** Whose key the certificate says that it holds (RFC 5280 section 4.2.1.2). Default: its own. */
  readonly keyNamedLike?: Identity
  /** Milliseconds from now. */
  readonly from?: number
  readonly to?: number
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 86_400_000

export function newKey(): string {
  return pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
}

/** A certificate that `issuer` signs; without one, it signs itself. */
export async function order(issuer: Identity | undefined, wishes: Order): Promise<Identity> {
  const {
    commonName = 'mx.test',
    names = [],
    key = newKey(),
    authority = false,
    usage = 'server',
    keyNamedLike: named,
  } = wishes
  const subject = `CN=${commonName}`
  const publicKey = createPublicKey(key).toCryptoKey(algorithm, true, ['verify'])
  const above = issuer && new x509.X509Certificate(issuer.certificate)
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: `40${randomBytes(12).toString('hex')}`,
      subject,
      issuer: above?.subject ?? subject,
      notBefore: new Date(Date.now() + (wishes.from ?? -day)),
      notAfter: new Date(Date.now() + (wishes.to ?? day)),
      publicKey,
      signingKey: createPrivateKey(issuer?.key ?? key).toCryptoKey(algorithm, false, ['sign']),
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(authority, undefined, true),
        new x509.KeyUsagesExtension(
          authority ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature,
          true,
        ),
        ...(authority ? [] : [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[`${usage}Auth`]])]),
        ...(names.length === 0
          ? []
          : [
              new x509.SubjectAlternativeNameExtension(names.map(value => ({ type: 'dns', value }) as const)),
            ]),
        await x509.SubjectKeyIdentifierExtension.create(
          named === undefined ? publicKey : new x509.X509Certificate(named.certificate).publicKey,
        ),
        ...(above === undefined ? [] : [await x509.AuthorityKeyIdentifierExtension.create(above.publicKey)]),
      ],
    },
    webcrypto,
  )
  return { certificate: `${certificate.toString('pem')}\n`, key }
}

/** A TLSA record for a certificate, of any kind. */
export function tlsaFor(
  { certificate }: Pick<Identity, 'certificate'>,
  usage: number,
  selector: number,
  matchingType: number,
): TlsaRecord {
  const { raw, publicKey } = new X509Certificate(certificate)
  const selected = selector === 0 ? raw : publicKey.export({ type: 'spki', format: 'der' })
  const hash = { 1: 'sha256', 2: 'sha512' }[matchingType]
  const data = hash === undefined ? selected : createHash(hash).update(selected).digest()
  return { usage, selector, matchingType, data: data.toString('hex') }
}

export function spkiOf({ certificate }: Pick<Identity, 'certificate'>): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('base64')
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' })
}
