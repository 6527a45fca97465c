import 'reflect-metadata'
import { createPrivateKey } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Identity } from '../../src/platform/pki/index.ts'

export interface ListOptions {
  readonly revoked?: readonly Identity[]
  /** Hours from now; default a day. Less than nothing for a list that has ended. */
  readonly hours?: number
  /** Who signs, when that is not the CA itself. */
  readonly signer?: Identity
}

/** A list of revoked certificates of a CA, PEM. */
export async function revocationList(authority: Identity, options: ListOptions = {}): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const { revoked = [], hours = 24, signer = authority } = options
  const now = Date.now()
  const list = await x509.X509CrlGenerator.create({
    issuer: new x509.X509Certificate(authority.certificate).subject,
    thisUpdate: new Date(Math.min(now, now + hours * 3_600_000) - 3_600_000),
    nextUpdate: new Date(now + hours * 3_600_000),
    entries: revoked.map(({ certificate }) => ({
      serialNumber: new x509.X509Certificate(certificate).serialNumber,
      revocationDate: new Date(now - 60_000),
    })),
    signingAlgorithm: algorithm,
    signingKey: createPrivateKey(signer.key).toCryptoKey(algorithm, false, ['sign']),
  })
  // The library's own label is not the one of RFC 7468 section 8, which OpenSSL wants.
  return `${list.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL')}\n`
}
