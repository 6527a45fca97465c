import { SealpostError } from '../kernel/index.ts'
import { foreignCertificates } from './listeners.ts'
import { invalid, type SettingsReader } from './read.ts'

/** How PostgreSQL is reached: by a unix socket on this host, or by TLS with a named CA. There is no third way. */
export type DatabaseConfig =
  | { readonly kind: 'socket'; readonly directory: string; readonly database: string; readonly user: string }
  | {
      readonly kind: 'tls'
      readonly host: string
      readonly port: number
      readonly database: string
      readonly user: string
      readonly password?: string
      /** PEM. Replaces the system's roots. */
      readonly ca: string
      readonly clientCertificate?: string
      readonly clientKey?: string
      /** PEM: a list of revoked certificates for each CA. */
      readonly crl?: string
      /** SHA-256 (lower-case hex) of certificates that must not be met here. */
      readonly foreign?: readonly string[]
      /** Base64 of SHA-256 over the keys (SubjectPublicKeyInfo) that it may have. */
      readonly pins?: readonly string[]
      readonly tunnel?: TunnelException
    }

/** TLS 1.2 suffices before this moment. The name is PCI's: a component that cannot do better yet, in a stated frame. */
export interface TunnelException {
  readonly until: Date
  readonly reason: string
}

/** The database settings for one of our two writing roles. Throws `config_invalid`, `database_tls_required`. */
export function readDatabase(read: SettingsReader, role: 'owner' | 'gateway'): DatabaseConfig {
  const database = read.required('SEALPOST_DATABASE_NAME')
  const user = `sealpost_${role}`
  const directory = read.optional('SEALPOST_DATABASE_SOCKET')
  const host = read.optional('SEALPOST_DATABASE_HOST')
  if (directory !== undefined) {
    if (host !== undefined) throw invalid('SEALPOST_DATABASE_SOCKET', 'excludes SEALPOST_DATABASE_HOST')
    if (tunnelException(read) !== undefined)
      throw invalid('SEALPOST_DATABASE_TUNNEL_UNTIL', 'is for PostgreSQL by TLS')
    return { kind: 'socket', directory, database, user }
  }
  if (host === undefined) throw invalid('SEALPOST_DATABASE_HOST', 'or SEALPOST_DATABASE_SOCKET is required')

  const ca = read.optionalFile('SEALPOST_DATABASE_CA_FILE')
  if (ca === undefined) throw new SealpostError('database_tls_required')
  const password = read.optionalFile(
    role === 'owner' ? 'SEALPOST_DATABASE_OWNER_PASSWORD_FILE' : 'SEALPOST_DATABASE_PASSWORD_FILE',
  )
  const clientCertificate = read.optionalFile('SEALPOST_DATABASE_CERT_FILE')
  const clientKey = read.optionalFile('SEALPOST_DATABASE_KEY_FILE')
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    throw invalid('SEALPOST_DATABASE_CERT_FILE', 'and SEALPOST_DATABASE_KEY_FILE go together')
  }
  const crl = read.optionalFile('SEALPOST_DATABASE_CRL_FILE')
  const foreign = foreignCertificates(read)
  const pins = spkiPins(read)
  const tunnel = tunnelException(read)
  return {
    kind: 'tls',
    host,
    port: read.integer('SEALPOST_DATABASE_PORT', 1, 65_535),
    database,
    user,
    ca,
    ...(password === undefined ? {} : { password: password.trimEnd() }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(crl === undefined ? {} : { crl }),
    ...(foreign.length === 0 ? {} : { foreign }),
    ...(pins.length === 0 ? {} : { pins }),
    ...(tunnel === undefined ? {} : { tunnel }),
  }
}

function spkiPins(read: SettingsReader): readonly string[] {
  const pins = read.optional('SEALPOST_DATABASE_SPKI_PINS')?.split(',') ?? []
  if (!pins.every(pin => /^[A-Za-z0-9+/]{43}=$/.test(pin))) {
    throw invalid('SEALPOST_DATABASE_SPKI_PINS', 'must hold SHA-256 digests in base64')
  }
  return pins
}

function tunnelException(read: SettingsReader): TunnelException | undefined {
  const day = read.optional('SEALPOST_DATABASE_TUNNEL_UNTIL')
  const reason = read.optional('SEALPOST_DATABASE_TUNNEL_REASON')
  if (day === undefined && reason === undefined) return undefined
  if (day === undefined || reason === undefined) {
    throw invalid('SEALPOST_DATABASE_TUNNEL_UNTIL', 'and SEALPOST_DATABASE_TUNNEL_REASON go together')
  }
  const until = new Date(`${day}T00:00:00Z`)
  // `2027-02-30` would be a day in March.
  if (Number.isNaN(until.getTime()) || until.toISOString().slice(0, 10) !== day) {
    throw invalid('SEALPOST_DATABASE_TUNNEL_UNTIL', 'must be a day, as YYYY-MM-DD')
  }
  if (reason.length < 10 || reason.length > 200 || /[\p{C}\p{Zl}\p{Zp}]/u.test(reason)) {
    throw invalid('SEALPOST_DATABASE_TUNNEL_REASON', 'must be one line of 10 to 200 characters')
  }
  return { until, reason }
}
