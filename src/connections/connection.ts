/** A certificate that a connection rests on, or a list of revoked ones. */
export interface Involved {
  readonly what: 'own' | 'client' | 'ca' | 'crl'
  /** The recipient domain, for the CA of a pinned destination. */
  readonly domain?: string
  /** Of the DER, lower-case hex; null for a list. */
  readonly sha256: string | null
  readonly endsAt: Date
}

/** How a peer is known to be the right one. */
export type Authentication =
  | 'client_certificate'
  | 'passkey_or_link' // people, inside TLS that showed them our certificate
  | 'none' // health and pages for everybody; ours is shown to them
  | 'configured_ca'
  | 'public_cas'
  | 'destination_rule' // DANE, pins, MTA-STS or public CAs, as docs/tls.md says
  | 'unix_socket' // the operating system's own check of who connects
  | 'loopback' // nobody can sit in between
  | 'signed_content' // what is fetched carries a signature that is verified

/** One listener, or one kind of connection that we open. */
export interface Connection {
  readonly name: string
  readonly direction: 'in' | 'out'
  /** Where: `address:port`, a URL, or what decides it. */
  readonly place: string
  /** The lowest version of TLS; null where there is none, which `exception` explains. */
  readonly floor: 'TLSv1.2' | 'TLSv1.3' | null
  readonly peer: Authentication
  /** Whether we show a certificate of ours to the server. */
  readonly clientCertificate: boolean
  readonly revocation: 'crl' | 'crl_and_ocsp' | 'none'
  readonly involved: readonly Involved[]
  /** As far as the database knows, over all replicas. */
  readonly lastUsedAt: Date | null
  /** Why less than TLS by the profile is right here, and until when it is. */
  readonly exception: { readonly reason: string; readonly until: Date | null } | null
}

export interface ConnectionInventory {
  readonly at: Date
  /** The day by which the profile and this list have to be looked at again (PCI DSS 4.0.1, 12.3.3); from the policy in force. */
  readonly reviewBy: string | null
  readonly profile: {
    readonly versions: readonly string[]
    readonly suites: readonly string[]
    readonly groups: readonly string[]
    readonly encryptedClientHello: 'unsupported' | 'present_but_unused'
    readonly library: string
  }
  readonly connections: readonly Connection[]
}
