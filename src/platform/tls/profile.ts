import type { SecureContextOptions } from 'node:tls'

/**
 * TLS 1.3, or TLS 1.2 with ECDHE and an AEAD: everything without forward secrecy is out, which Node's defaults are
 * not. Order is preference; RFC 9325 section 4.2.
 */
const suites = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
]

/** Hybrid post-quantum groups first. */
const groups = ['X25519MLKEM768', 'SecP256r1MLKEM768', 'X25519', 'P-256', 'P-384']

/** The profile as data, for the inventory. */
export const tlsProfile = { suites, groups } as const

const common = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: suites.join(':'),
  ecdhCurve: groups.join(':'),
} as const

/** For every listener of ours. */
export const serverTlsOptions = { ...common, honorCipherOrder: true } as const satisfies SecureContextOptions

/** For every connection that we open, besides PostgreSQL's, which is TLS 1.3 only. */
export const clientTlsOptions = {
  ...common,
  rejectUnauthorized: true,
} as const satisfies SecureContextOptions & {
  rejectUnauthorized: true
}
