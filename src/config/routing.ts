import { BlockList, isIP } from 'node:net'
import { isAddress } from '../kernel/index.ts'
import { invalid, readSettings, type SettingsReader } from './read.ts'

export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** How mail finds its way. */
export interface RoutingConfig {
  /** A validating resolver at a loopback address. Undefined: the system's, which proves nothing. */
  readonly resolver: { readonly address: string; readonly port: number } | undefined
  readonly allowedNetworks: readonly Network[]
  /** JSON text of the rule for the one server that all mail goes to; undefined: each domain's own servers. */
  readonly relayRule: string | undefined
  /** Our domain that reports on deliveries come back to; undefined: they go to the sender. */
  readonly returnPathDomain?: string | undefined
}

export interface RoutingSecrets {
  /** PEM, roots instead of those of Node. */
  readonly publicCa: string | undefined
  /** What the relay wants to see: a name and a password, a client certificate (PEM), or both. */
  readonly relayCredentials:
    | {
        readonly login?: { readonly username: string; readonly password: string }
        readonly identity?: { readonly certificate: string; readonly key: string }
      }
    | undefined
}

/** These alone, for the commands that look for the way without sending. Throws `config_invalid`. */
export function loadRouting(env: NodeJS.ProcessEnv): {
  readonly config: RoutingConfig
  readonly secrets: RoutingSecrets
} {
  const read = readSettings(env)
  return { config: routingConfig(read), secrets: routingSecrets(read) }
}

export function routingConfig(read: SettingsReader): RoutingConfig {
  return {
    resolver: resolver(read),
    allowedNetworks: readNetworks(read, 'SEALPOST_DELIVERY_ALLOWED_NETWORKS'),
    relayRule: read.optionalFile('SEALPOST_RELAY_RULE_FILE'),
    returnPathDomain: returnPathDomain(read),
  }
}

export function routingSecrets(read: SettingsReader): RoutingSecrets {
  return {
    publicCa: read.optionalFile('SEALPOST_PUBLIC_CA_FILE'),
    relayCredentials: relayCredentials(read),
  }
}

/** Its AD bit is believed, so nobody may sit between it and us (RFC 7672 section 2.1.1). */
function resolver(read: SettingsReader): RoutingConfig['resolver'] {
  if (read.optional('SEALPOST_DNS_RESOLVER') === undefined) return undefined
  const { host: address, port } = read.listen('SEALPOST_DNS_RESOLVER')
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  const family = isIP(address)
  if (family === 0 || port === 0 || !loopback.check(address, family === 4 ? 'ipv4' : 'ipv6')) {
    throw invalid('SEALPOST_DNS_RESOLVER', 'must be a loopback address and a port')
  }
  return { address, port }
}

function returnPathDomain(read: SettingsReader): string | undefined {
  const domain = read.optional('SEALPOST_RETURN_PATH_DOMAIN')
  // With the longest local part of ours, a path of RFC 5321 section 4.5.3.1.3 has room for so many octets.
  if (domain === undefined || (domain.length <= 200 && isMailDomain(domain))) return domain
  throw invalid('SEALPOST_RETURN_PATH_DOMAIN', 'must be a domain of at most 200 letters, in lower case')
}

function isMailDomain(domain: string): boolean {
  return domain === domain.toLowerCase() && isAddress(`bounce@${domain}`)
}

function relayCredentials(read: SettingsReader): RoutingSecrets['relayCredentials'] {
  const username = read.optional('SEALPOST_RELAY_USERNAME')
  const password = read.optionalFile('SEALPOST_RELAY_PASSWORD_FILE')?.trimEnd()
  const certificate = read.optionalFile('SEALPOST_RELAY_CERT_FILE')
  const key = read.optionalFile('SEALPOST_RELAY_KEY_FILE')
  if ((username === undefined) !== (password === undefined)) {
    throw invalid('SEALPOST_RELAY_USERNAME', 'and SEALPOST_RELAY_PASSWORD_FILE go together')
  }
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid('SEALPOST_RELAY_CERT_FILE', 'and SEALPOST_RELAY_KEY_FILE go together')
  }
  if (username === undefined && certificate === undefined) return undefined
  if (read.optional('SEALPOST_RELAY_RULE_FILE') === undefined) {
    throw invalid('SEALPOST_RELAY_RULE_FILE', 'is required where a relay has credentials')
  }
  // RFC 4616: NUL parts the fields; nor can any of these be meant.
  if (password === '' || /\p{Cc}/u.test(`${username ?? ''}${password ?? ''}`)) {
    throw invalid('SEALPOST_RELAY_USERNAME', 'and the password must be one line each, without controls')
  }
  return {
    ...(username === undefined || password === undefined ? {} : { login: { username, password } }),
    ...(certificate === undefined || key === undefined ? {} : { identity: { certificate, key } }),
  }
}

/** CIDR ranges, separated by commas. */
export function readNetworks(
  read: SettingsReader,
  name: 'SEALPOST_DELIVERY_ALLOWED_NETWORKS' | 'SEALPOST_WEBHOOK_ALLOWED_NETWORKS',
): Network[] {
  const list = read.optional(name)
  return (list?.split(',') ?? []).map(text => {
    const [address = '', prefix = ''] = text.trim().split('/')
    const family = isIP(address)
    if (family === 0 || !/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) {
      throw invalid(name, 'must hold CIDR ranges')
    }
    return { address, prefix: Number(prefix), family: family === 4 ? 'ipv4' : 'ipv6' }
  })
}
