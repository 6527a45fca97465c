import { isIP } from 'node:net'
import { invalid, type SettingsReader } from './read.ts'

/** The syslog server that events and checkpoints go to; undefined: there is none. */
export type SyslogConfig = { readonly host: string; readonly port: number } | undefined

/** How it is known, and what it is shown. PEM texts. */
export type SyslogSecrets =
  | {
      readonly ca: string
      readonly crl: string | undefined
      readonly identity: { readonly certificate: string; readonly key: string } | undefined
    }
  | undefined

export function syslogConfig(read: SettingsReader): SyslogConfig {
  const host = read.optional('SEALPOST_SYSLOG_HOST')
  if (host === undefined) return undefined
  const name = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/
  if (isIP(host) === 0 && !name.test(host)) {
    throw invalid('SEALPOST_SYSLOG_HOST', 'must be a host name in lower case, or an address')
  }
  return { host, port: read.integer('SEALPOST_SYSLOG_PORT', 1, 65_535) }
}

export function syslogSecrets(read: SettingsReader): SyslogSecrets {
  const crl = read.optionalFile('SEALPOST_SYSLOG_CRL_FILE')
  const certificate = read.optionalFile('SEALPOST_SYSLOG_CERT_FILE')
  const key = read.optionalFile('SEALPOST_SYSLOG_KEY_FILE')
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid('SEALPOST_SYSLOG_CERT_FILE', 'and SEALPOST_SYSLOG_KEY_FILE go together')
  }
  if (read.optional('SEALPOST_SYSLOG_HOST') === undefined) {
    const ca = read.optional('SEALPOST_SYSLOG_CA_FILE')
    // A stream that somebody believes in, and that does not exist.
    if (ca === undefined && crl === undefined && certificate === undefined) return undefined
    throw invalid('SEALPOST_SYSLOG_HOST', 'is required where other settings of the syslog server are given')
  }
  return {
    ca: read.file('SEALPOST_SYSLOG_CA_FILE'),
    crl,
    identity: certificate === undefined || key === undefined ? undefined : { certificate, key },
  }
}
