import { SealpostError } from '../kernel/index.ts'
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
    }

/** The database settings for one of our two writing roles. Throws `config_invalid`, `database_tls_required`. */
export function readDatabase(read: SettingsReader, role: 'owner' | 'gateway'): DatabaseConfig {
  const database = read.required('SEALPOST_DATABASE_NAME')
  const user = `sealpost_${role}`
  const directory = read.optional('SEALPOST_DATABASE_SOCKET')
  const host = read.optional('SEALPOST_DATABASE_HOST')
  if (directory !== undefined) {
    if (host !== undefined) throw invalid('SEALPOST_DATABASE_SOCKET', 'excludes SEALPOST_DATABASE_HOST')
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
  }
}
