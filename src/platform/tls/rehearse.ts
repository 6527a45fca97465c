import { duplexPair } from 'node:stream'
import { type ConnectionOptions, connect, rootCertificates, TLSSocket } from 'node:tls'
import { flawed } from './certificates.ts'
import { clientTlsOptions, serverTlsOptions } from './profile.ts'

/** A certificate chain, its own first, and the key; PEM. */
export interface ServerIdentity {
  readonly certificate: string
  readonly key: string
}

/** Who must find the chain good: whoever trusts the public CAs, or whoever trusts its own last certificate. */
export type Judge =
  | { readonly kind: 'public'; readonly roots?: readonly string[] }
  | { readonly kind: 'itself' }

/**
 * A handshake in memory under the house's profile, so that OpenSSL itself says whether an identity can serve and how a
 * client judges its chain. Names are not looked at. Throws `tls_material_refused`.
 */
export async function rehearse({ certificate, key }: ServerIdentity, judge: Judge): Promise<void> {
  const [near, far] = duplexPair()
  const trust: ConnectionOptions =
    judge.kind === 'public'
      ? { ca: [...(judge.roots ?? rootCertificates)] }
      : { ca: certificate, allowPartialTrustChain: true }
  let server: TLSSocket | undefined
  let client: TLSSocket | undefined
  try {
    server = new TLSSocket(near, { ...serverTlsOptions, isServer: true, cert: certificate, key })
    server.on('error', () => undefined)
    client = connect({ ...clientTlsOptions, ...trust, socket: far, checkServerIdentity: () => undefined })
    await secured(client)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const distrusted = judge.kind === 'public' && !code.startsWith('ERR_')
    throw flawed(distrusted ? 'not_publicly_trusted' : 'handshake_failed', cause)
  } finally {
    client?.destroy()
    server?.destroy()
  }
}

function secured(client: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('secureConnect', resolve)
    client.once('error', reject)
    client.once('close', () => reject(new Error('closed')))
  })
}
