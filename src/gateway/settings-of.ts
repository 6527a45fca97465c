import type { AuditEvent } from '../audit/index.ts'
import type { Config, Listen, Network, Secrets } from '../config/index.ts'
import { withheldIfCard } from '../platform/index.ts'

type Settings = NonNullable<Extract<AuditEvent, { type: 'gateway.started' }>['settings']>

/** The settings that decide who is let in, what is believed, and where anything goes; never a secret. */
export function settingsOf(config: Config, secrets: Secrets): Settings {
  const { anchors, syslog, notices } = config
  return {
    listeners: {
      api: at(config.api),
      console: at(config.console),
      public: at(config.public),
      ops: at(config.ops),
    },
    consoleUrl: named(config.consoleUrl),
    publicUrl: named(notices.publicUrl),
    mailHost: named(config.mailHost),
    noticesFrom: named(notices.from),
    exposure: config.exposure,
    foreignCertificates: config.foreignCertificates.length,
    clientCrl: secrets.clientCrl !== undefined,
    database: secrets.database.kind,
    discovery: config.discovery,
    keyserver: config.keyserver === undefined ? null : named(config.keyserver),
    resolver:
      config.resolver === undefined
        ? null
        : at({ host: config.resolver.address, port: config.resolver.port }),
    publicCa: secrets.publicCa !== undefined,
    relay: config.relayRule !== undefined,
    returnPathDomain: config.returnPathDomain === undefined ? null : named(config.returnPathDomain),
    allowedNetworks: config.allowedNetworks.map(written),
    webhookNetworks: (config.webhooks?.allowedNetworks ?? []).map(written),
    syslog: syslog === undefined ? null : at(syslog),
    anchors: anchors !== undefined,
    sealers: config.sealers,
    databasePool: config.databasePool,
    logLevel: config.logLevel,
  }
}

function written({ address, prefix }: Network): string {
  return `${address}/${prefix}`
}

function at({ host, port }: Listen): string {
  return named(`${host}:${port}`)
}

/** Our own operators chose these names; a start does not fail for the digits in one. */
function named(text: string): string {
  return withheldIfCard(text)
}
