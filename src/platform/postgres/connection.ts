import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { ConnectionOptions, PeerCertificate } from 'node:tls'
import type { DatabaseConfig } from '../../config/index.ts'
import { type Clock, systemClock } from '../../kernel/index.ts'
import { fingerprintOf } from '../tls/certificates.ts'
import { clientTlsOptions } from '../tls/profile.ts'

export interface SessionSettings {
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string
  /** Milliseconds one statement may take; 0 is no limit. */
  readonly statementTimeout: number
}

/** Fixed, or asked at each new connection, so that CA, certificate, key and lists can change while the pool lives. */
export type DatabaseSource = DatabaseConfig | (() => DatabaseConfig)

type TlsConfig = Extract<DatabaseConfig, { kind: 'tls' }>

/**
 * How every connection of the house is made, by knex and by pg-boss. Nothing is left to `PG*` variables or to a URL,
 * whose `sslmode` can switch verification off. The session's own settings win over those of server, database and role.
 */
export function connectionSettings(
  source: DatabaseSource,
  session: SessionSettings,
  clock: Clock = systemClock,
) {
  const config = typeof source === 'function' ? source() : source
  const common = {
    database: config.database,
    user: config.user,
    application_name: session.applicationName,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    options: [
      // A 202 promises durability, whatever the server's default is (invariant 5).
      '-c synchronous_commit=on',
      `-c statement_timeout=${session.statementTimeout}`,
      '-c idle_in_transaction_session_timeout=60000',
      '-c lock_timeout=10000',
      '-c TimeZone=UTC',
      '-c client_min_messages=warning',
    ].join(' '),
  }
  if (config.kind === 'socket') return { ...common, host: config.directory, port: 5432, ssl: false }
  const latest = (): TlsConfig => {
    const now = typeof source === 'function' ? source() : source
    return now.kind === 'tls' ? now : config
  }
  return {
    ...common,
    host: config.host,
    port: config.port,
    ...(config.password === undefined ? {} : { password: config.password }),
    ssl: tlsSettings(latest, clock),
  }
}

/** pg copies these at each connection, which is when the accessors are read. */
function tlsSettings(latest: () => TlsConfig, clock: Clock): ConnectionOptions {
  const { ciphers, ecdhCurve, maxVersion } = clientTlsOptions
  return {
    ciphers,
    ecdhCurve,
    maxVersion,
    rejectUnauthorized: true,
    get minVersion() {
      return holds(latest(), clock.now()) ? 'TLSv1.2' : 'TLSv1.3'
    },
    get ca() {
      return latest().ca
    },
    get crl() {
      return latest().crl
    },
    get cert() {
      return latest().clientCertificate
    },
    get key() {
      return latest().clientKey
    },
    checkServerIdentity: (_: string, certificate: PeerCertificate) => identity(latest(), certificate),
  }
}

function holds({ tunnel }: TlsConfig, now: Date): boolean {
  return tunnel !== undefined && now < tunnel.until
}

/** The host is named explicitly: for an IP address pg sets no servername, and Node would compare with `localhost`. */
function identity({ host, foreign = [], pins }: TlsConfig, peer: PeerCertificate): Error | undefined {
  const certificate = new X509Certificate(peer.raw)
  // RFC 9525: a subject alternative name, whole labels only. Node alone would take the common name as well.
  const rules = { subject: 'never', partialWildcards: false } as const
  const named = isIP(host) === 0 ? certificate.checkHost(host, rules) : certificate.checkIP(host)
  if (named === undefined) return refused('ERR_TLS_CERT_ALTNAME_INVALID')
  if (foreign.includes(fingerprintOf(certificate))) return refused('FOREIGN_CERTIFICATE')
  if (pins !== undefined && !pins.includes(pinOf(certificate.publicKey))) return refused('KEY_NOT_PINNED')
  return undefined
}

function pinOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

function refused(code: string): Error {
  return Object.assign(new Error(code), { code })
}
