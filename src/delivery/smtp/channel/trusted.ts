import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'

const parsed = new Map<string, readonly X509Certificate[]>()
const most = 64

/** The certificates of trusted CAs, from the PEM that OpenSSL is given; undefined: the Mozilla roots of Node. */
export function trustedCertificates(ca: string | readonly string[] | undefined): readonly X509Certificate[] {
  const text = ca === undefined ? rootCertificates.join('\n') : [ca].flat().join('\n')
  const known = parsed.get(text)
  if (known !== undefined) return known
  const [oldest] = parsed.keys()
  if (parsed.size >= most && oldest !== undefined) parsed.delete(oldest)
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const certificates = blocks.map(block => new X509Certificate(block))
  parsed.set(text, certificates)
  return certificates
}
