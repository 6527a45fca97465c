import { type Identity, issueCertificate, type Validity } from './issue.ts'

/**
 * A certificate for a TLS server, good for these host names and addresses. The names stand in the subject
 * alternative names, where RFC 9525 looks; the subject is for human eyes.
 */
export function issueServerCertificate(
  authority: Identity,
  options: Validity & {
    readonly dnsNames: readonly [string, ...string[]]
    readonly ipAddresses?: readonly string[]
  },
): Promise<Identity> {
  return issueCertificate(authority, {
    commonName: options.dnsNames[0].slice(0, 64),
    days: options.days,
    usage: 'server',
    names: [
      ...options.dnsNames.map(value => ({ type: 'dns', value }) as const),
      ...(options.ipAddresses ?? []).map(value => ({ type: 'ip', value }) as const),
    ],
  })
}

/** A certificate for a TLS client. Its one subject alternative name is who it is; the subject says nothing. */
export function issueClientCertificate(
  authority: Identity,
  options: Validity & ({ readonly uri: string } | { readonly dns: string }),
): Promise<Identity> {
  return issueCertificate(authority, {
    commonName: 'Sealpost client',
    days: options.days,
    usage: 'client',
    names: ['uri' in options ? { type: 'url', value: options.uri } : { type: 'dns', value: options.dns }],
  })
}
