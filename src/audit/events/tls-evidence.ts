/** How a mail server can be authenticated, the strongest first; compared by `delivery/level.ts` only. */
export const tlsLevels = ['dane', 'pinned', 'mta_sts', 'secure'] as const
export type TlsLevel = (typeof tlsLevels)[number]

/** How the server of a delivery attempt was authenticated; see `delivery/`. */
export interface TlsEvidence {
  /** How this very server was authenticated. */
  readonly rule: TlsLevel
  /** What the destination's rule asked for. Absent in attempts older than the field, like those below. */
  readonly asked?: 'auto' | 'pinned' | 'secure' | 'relay'
  readonly version: string
  readonly cipher: string
  readonly group: string | null
  /** SHA-256 of the server's own certificate (DER), hex. */
  readonly certificateSha256: string
  /** SHA-256 of each certificate that the server sent, its own first, at most eight. */
  readonly chainSha256?: readonly string[]
  /** The TLSA record that matched: `3 1 1` and the start of its data (at most 64 hex digits). Level `dane` only. */
  readonly tlsa?: string
  /** The id of the MTA-STS policy that named the server. Level `mta_sts` only. */
  readonly stsPolicy?: string
  /**
   * What is known of a revocation of the server's certificate; `stale`: nothing fresh, though its CA publishes something;
   * `not_applicable` where a key, not a CA, is trusted.
   */
  readonly revocation?: 'good' | 'stale' | 'unknown' | 'not_applicable'
  /** Whether REQUIRETLS (RFC 8689) was said in MAIL FROM. */
  readonly requireTls?: boolean
}
