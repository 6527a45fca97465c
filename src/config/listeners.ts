import { invalid, type SettingsReader } from './read.ts'

/** Who is to trust the certificates of our listeners: our own estate, or everybody. */
export type Exposure = 'internal' | 'external'

export function exposure(read: SettingsReader): Exposure {
  const value = read.required('SEALPOST_EXPOSURE')
  if (value !== 'internal' && value !== 'external') {
    throw invalid('SEALPOST_EXPOSURE', 'must be internal or external')
  }
  return value
}

/** SHA-256 fingerprints of certificates, in lower-case hex without colons. */
export function foreignCertificates(read: SettingsReader): string[] {
  const list = read.optional('SEALPOST_FOREIGN_CERTIFICATES')
  return (list?.split(',') ?? []).map(text => {
    const fingerprint = text.trim().replaceAll(':', '').toLowerCase()
    if (!/^[0-9a-f]{64}$/.test(fingerprint)) {
      throw invalid('SEALPOST_FOREIGN_CERTIFICATES', 'must hold SHA-256 fingerprints in hex')
    }
    return fingerprint
  })
}
