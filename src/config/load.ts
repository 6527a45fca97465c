import { type Address, isAddress } from '../kernel/index.ts'
import { type AnchorsConfig, type AnchorsSecrets, anchorsConfig, anchorsSecrets } from './anchors.ts'
import { type DatabaseConfig, readDatabase } from './database.ts'
import { type Exposure, exposure, foreignCertificates } from './listeners.ts'
import { invalid, readSettings, type SettingsReader } from './read.ts'
import { type RoutingConfig, type RoutingSecrets, routingConfig, routingSecrets } from './routing.ts'
import { type SyslogConfig, type SyslogSecrets, syslogConfig, syslogSecrets } from './syslog.ts'
import { type WebhooksConfig, type WebhooksSecrets, webhooksConfig, webhooksSecrets } from './webhooks.ts'

export type Role = 'api' | 'courier'

export interface Listen {
  readonly host: string
  readonly port: number
}

/** What `serve` may print of itself. */
export interface Config extends RoutingConfig {
  readonly roles: readonly Role[]
  readonly api: Listen
  readonly console: Listen
  readonly public: Listen
  readonly ops: Listen
  /** Origins, as browsers write them: `https://name` or `https://name:port`. */
  readonly consoleUrl: string
  readonly notices: NoticeConfig
  /** Whether certificates are looked for outside, and at which key server (an origin) besides WKD. */
  readonly discovery: boolean
  readonly keyserver: string | undefined
  readonly mailHost: string
  readonly sealers: number
  /** What the attachments of a message may weigh together, in MiB. */
  readonly attachmentMegabytes: number
  readonly databasePool: number
  readonly exposure: Exposure
  /** SHA-256 of certificates of other environments, lower-case hex. */
  readonly foreignCertificates: readonly string[]
  readonly syslog?: SyslogConfig
  readonly anchors?: AnchorsConfig
  readonly webhooks?: WebhooksConfig
  readonly logLevel: LogLevel
}

/** How we name ourselves to those we write to. */
export interface NoticeConfig {
  readonly from: Address
  readonly mailHost: string
  /** The origin of the recipients' pages. */
  readonly publicUrl: string
  readonly organisation: string
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What `serve` must not print. PEM texts and the database's credentials. */
export interface Secrets extends RoutingSecrets {
  readonly database: DatabaseConfig
  readonly certificate: string
  readonly key: string
  /** For the listener of recipients. */
  readonly publicIdentity: { readonly certificate: string; readonly key: string }
  readonly clientCa: string
  /** Lists of revoked client certificates. */
  readonly clientCrl: string | undefined
  readonly syslog?: SyslogSecrets
  readonly anchors?: AnchorsSecrets
  readonly webhooks?: WebhooksSecrets
}

/** Parses the environment of `serve`, completely, before anything is opened. Throws `config_invalid`. */
export function loadServeConfig(
  env: NodeJS.ProcessEnv,
  roles: readonly Role[],
): { readonly config: Config; readonly secrets: Secrets } {
  const read = readSettings(env)
  return {
    config: {
      roles,
      api: read.listen('SEALPOST_API_LISTEN'),
      console: read.listen('SEALPOST_CONSOLE_LISTEN'),
      public: read.listen('SEALPOST_PUBLIC_LISTEN'),
      ops: read.listen('SEALPOST_OPS_LISTEN'),
      consoleUrl: read.origin('SEALPOST_CONSOLE_URL'),
      notices: notices(read),
      discovery: discovery(read),
      keyserver:
        read.optional('SEALPOST_KEYSERVER') === undefined ? undefined : read.origin('SEALPOST_KEYSERVER'),
      mailHost: hostName(read),
      sealers: read.integer('SEALPOST_SEALERS', 1, 64),
      attachmentMegabytes: read.integer('SEALPOST_MAX_ATTACHMENT_MB', 1, 100),
      databasePool: read.integer('SEALPOST_DATABASE_POOL', 2, 200),
      ...routingConfig(read),
      exposure: exposure(read),
      foreignCertificates: foreignCertificates(read),
      syslog: syslogConfig(read),
      anchors: anchorsConfig(read),
      webhooks: webhooksConfig(read),
      logLevel: logLevel(read),
    },
    secrets: {
      database: readDatabase(read, 'gateway'),
      certificate: read.file('SEALPOST_TLS_CERT_FILE'),
      key: read.file('SEALPOST_TLS_KEY_FILE'),
      publicIdentity: publicIdentity(read),
      clientCa: read.file('SEALPOST_CLIENT_CA_FILE'),
      clientCrl: read.optionalFile('SEALPOST_CLIENT_CRL_FILE'),
      syslog: syslogSecrets(read),
      anchors: anchorsSecrets(read),
      webhooks: webhooksSecrets(read),
      ...routingSecrets(read),
    },
  }
}

/** The files that listeners and PostgreSQL are authenticated by, as far as they are set: what a reload reads anew. */
export function listenerFiles(env: NodeJS.ProcessEnv): readonly string[] {
  const read = readSettings(env)
  return (
    [
      'SEALPOST_TLS_CERT_FILE',
      'SEALPOST_TLS_KEY_FILE',
      'SEALPOST_PUBLIC_TLS_CERT_FILE',
      'SEALPOST_PUBLIC_TLS_KEY_FILE',
      'SEALPOST_CLIENT_CA_FILE',
      'SEALPOST_CLIENT_CRL_FILE',
      'SEALPOST_DATABASE_CA_FILE',
      'SEALPOST_DATABASE_CRL_FILE',
      'SEALPOST_DATABASE_CERT_FILE',
      'SEALPOST_DATABASE_KEY_FILE',
      'SEALPOST_SYSLOG_CA_FILE',
      'SEALPOST_SYSLOG_CRL_FILE',
      'SEALPOST_SYSLOG_CERT_FILE',
      'SEALPOST_SYSLOG_KEY_FILE',
    ] as const
  ).flatMap(name => read.optional(name) ?? [])
}

/** The files that hold secrets, by the setting that names each, as far as they are set. */
export function secretFiles(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const read = readSettings(env)
  return Object.fromEntries(
    (
      [
        'SEALPOST_TLS_KEY_FILE',
        'SEALPOST_PUBLIC_TLS_KEY_FILE',
        'SEALPOST_DATABASE_KEY_FILE',
        'SEALPOST_DATABASE_PASSWORD_FILE',
        'SEALPOST_DATABASE_OWNER_PASSWORD_FILE',
        'SEALPOST_RELAY_KEY_FILE',
        'SEALPOST_RELAY_PASSWORD_FILE',
        'SEALPOST_SYSLOG_KEY_FILE',
      ] as const
    ).flatMap(name => {
      const path = read.optional(name)
      return path === undefined ? [] : [[name, path]]
    }),
  )
}

/** The database as its owner, for `migrate` and the admin commands. Throws `config_invalid`. */
export function loadOwnerDatabase(env: NodeJS.ProcessEnv): DatabaseConfig {
  return readDatabase(readSettings(env), 'owner')
}

/**
 * The database for a command that only reads: as its owner, or as the gateway where only that role's password is set, as it
 * is beside a running gateway. Throws `config_invalid`.
 */
export function loadReaderDatabase(env: NodeJS.ProcessEnv): DatabaseConfig {
  const read = readSettings(env)
  const ownerIsUnknown = read.optional('SEALPOST_DATABASE_OWNER_PASSWORD_FILE') === undefined
  const gatewayIsKnown = read.optional('SEALPOST_DATABASE_PASSWORD_FILE') !== undefined
  return readDatabase(read, ownerIsUnknown && gatewayIsKnown ? 'gateway' : 'owner')
}

/** The mail host name alone, for `custody init`. */
export function loadMailHost(env: NodeJS.ProcessEnv): string {
  return hostName(readSettings(env))
}

/** The origin of the operators' listener alone, for the commands that print links. Throws `config_invalid`. */
export function loadConsoleUrl(env: NodeJS.ProcessEnv): string {
  return readSettings(env).origin('SEALPOST_CONSOLE_URL')
}

/** How we name ourselves, for the commands that write to recipients. Throws `config_invalid`. */
export function loadNoticeConfig(env: NodeJS.ProcessEnv): NoticeConfig {
  return notices(readSettings(env))
}

function notices(read: SettingsReader): NoticeConfig {
  const mailHost = hostName(read)
  const from = read.optional('SEALPOST_NOTICE_FROM') ?? `notices@${mailHost}`
  if (!isAddress(from)) throw invalid('SEALPOST_NOTICE_FROM', 'must be a plain address')
  const organisation = read.required('SEALPOST_ORGANISATION')
  if (organisation.length > 100 || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(organisation)) {
    throw invalid('SEALPOST_ORGANISATION', 'must be one line of at most 100 characters')
  }
  return { from, mailHost, publicUrl: read.origin('SEALPOST_PUBLIC_URL'), organisation }
}

function publicIdentity(read: SettingsReader): Secrets['publicIdentity'] {
  const certificate = read.optionalFile('SEALPOST_PUBLIC_TLS_CERT_FILE')
  const key = read.optionalFile('SEALPOST_PUBLIC_TLS_KEY_FILE')
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid('SEALPOST_PUBLIC_TLS_CERT_FILE', 'and SEALPOST_PUBLIC_TLS_KEY_FILE go together')
  }
  return {
    certificate: certificate ?? read.file('SEALPOST_TLS_CERT_FILE'),
    key: key ?? read.file('SEALPOST_TLS_KEY_FILE'),
  }
}

function discovery(read: SettingsReader): boolean {
  const value = read.required('SEALPOST_DISCOVERY')
  if (value !== 'on' && value !== 'off') throw invalid('SEALPOST_DISCOVERY', 'must be on or off')
  return value === 'on'
}

function hostName(read: SettingsReader): string {
  const name = read.required('SEALPOST_MAIL_HOST')
  if (
    !/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(name)
  ) {
    throw invalid('SEALPOST_MAIL_HOST', 'must be a host name in lower case')
  }
  return name
}

function logLevel(read: SettingsReader): LogLevel {
  const level = read.required('SEALPOST_LOG_LEVEL')
  if (level !== 'debug' && level !== 'info' && level !== 'warn' && level !== 'error') {
    throw invalid('SEALPOST_LOG_LEVEL', 'must be debug, info, warn or error')
  }
  return level
}
