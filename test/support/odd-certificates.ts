import 'reflect-metadata'
import { createPrivateKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { type Identity, issueCertificate } from '../../src/platform/pki/issue.ts'

/** Server certificates that Node, left alone, accepts or could be talked into accepting, for tests that refuse them. */
export const oddCertificate = {
  /** The name stands only in the subject's common name; there is no SAN. */
  commonNameOnly: (authority: Identity, name: string): Promise<Identity> =>
    issueCertificate(authority, {
      commonName: name,
      names: [],
      usage: 'server',
      days: 1,
    }),
  /** Right name, but issued for a client. */
  clientUsage: (authority: Identity, name: string): Promise<Identity> =>
    issueCertificate(authority, {
      commonName: name,
      names: [{ type: 'dns', value: name }],
      usage: 'client',
      days: 1,
    }),
  /** Ended yesterday. */
  expired: (authority: Identity, name: string): Promise<Identity> =>
    issueCertificate(authority, {
      commonName: name,
      names: [{ type: 'dns', value: name }],
      usage: 'server',
      days: -1,
    }),
  /** Such as `m*.bank.test`: the pattern goes into the SAN as it is. */
  pattern: (authority: Identity, pattern: string): Promise<Identity> =>
    issueCertificate(authority, {
      commonName: 'pattern',
      names: [{ type: 'dns', value: pattern }],
      usage: 'server',
      days: 1,
    }),
  /** Right in all, but with an RSA key, which suites without forward secrecy need. */
  async rsa(authority: Identity, name: string): Promise<Identity> {
    const pair = generateKeyPairSync('rsa', { modulusLength: 3072 })
    const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
    const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: '01',
        issuer: new x509.X509Certificate(authority.certificate).subject,
        subject: [{ CN: [name] }],
        publicKey: pair.publicKey.toCryptoKey(rsa, true, ['verify']),
        signingKey: createPrivateKey(authority.key).toCryptoKey(ecdsa, false, ['sign']),
        signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
      },
      webcrypto,
    )
    return { certificate: certificate.toString('pem'), key: pem(pair.privateKey) }
  },
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' })
}
