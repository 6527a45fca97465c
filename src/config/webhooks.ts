import type { SettingsReader } from './read.ts'
import { type Network, readNetworks } from './routing.ts'

/** Where webhooks may be called although the range is private, loopback or link-local. */
export interface WebhooksConfig {
  readonly allowedNetworks: readonly Network[]
}

export interface WebhooksSecrets {
  /** PEM, for webhooks, instead of the roots of Node. */
  readonly ca: string | undefined
}

export function webhooksConfig(read: SettingsReader): WebhooksConfig {
  return { allowedNetworks: readNetworks(read, 'SEALPOST_WEBHOOK_ALLOWED_NETWORKS') }
}

export function webhooksSecrets(read: SettingsReader): WebhooksSecrets {
  return { ca: read.optionalFile('SEALPOST_WEBHOOK_CA_FILE') }
}
