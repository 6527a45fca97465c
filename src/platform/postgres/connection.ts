import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { DatabaseConfig } from '../../config/index.ts'

export interface SessionSettings {
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string
  /** Milliseconds one statement may take; 0 is no limit. */
  readonly statementTimeout: number
}

/**
 * How every connection of the house is made, by knex and by pg-boss. Nothing is left to `PG*` variables or to a URL,
 * whose `sslmode` can switch verification off. The session's own settings win over those of server, database and role.
 */
export function connectionSettings(config: DatabaseConfig, session: SessionSettings) {
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
  return {
    ...common,
    host: config.host,
    port: config.port,
    ...(config.password === undefined ? {} : { password: config.password }),
    ssl: {
      ca: config.ca,
      ...(config.clientCertificate === undefined ? {} : { cert: config.clientCertificate }),
      ...(config.clientKey === undefined ? {} : { key: config.clientKey }),
      minVersion: 'TLSv1.3' as const,
      rejectUnauthorized: true,
      checkServerIdentity: (_: string, certificate: PeerCertificate) => identity(config.host, certificate),
    },
  }
}

/** Named explicitly: for an IP address pg sets no servername, and Node would then compare with `localhost`. */
function identity(host: string, certificate: PeerCertificate): Error | undefined {
  // Node falls back to the common name; RFC 9525 section 2 does not.
  if (certificate.subjectaltname === undefined) {
    return Object.assign(new Error('no subject alternative name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  }
  return checkServerIdentity(host, certificate)
}
