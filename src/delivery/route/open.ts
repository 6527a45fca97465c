import type { Knex } from 'knex'
import { type Actor, recordEvent } from '../../audit/index.ts'
import type { RoutingConfig, RoutingSecrets } from '../../config/index.ts'
import { type Clock, SealpostError } from '../../kernel/index.ts'
import { type Dns, openResolver, systemDns, type Tested } from '../../platform/dns/index.ts'
import { type Logger, peerGuard } from '../../platform/index.ts'
import { type DestinationRule, parseDestinationRule } from '../destination.ts'
import { explainRoute, explainRule, type RouteDependencies } from './find.ts'
import type { Relay } from './relay.ts'
import type { RouteReport } from './report.ts'
import type { FindRoute } from './route.ts'
import { openStsFetch } from './sts/fetch.ts'

export interface RoutingOptions {
  /** Undefined: only rules that are given can be explained, and nothing is recorded. */
  readonly knex: Knex | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly config: RoutingConfig
  readonly secrets: RoutingSecrets
  readonly random: () => number
  /** Who opens it. Default: the gateway. */
  readonly actor?: Actor
}

/** Everything that finds the way of mail. */
export interface Routing {
  readonly dns: Dns
  readonly findRoute: FindRoute
  /** The route with all that it was concluded from; by another rule than the one that is stored, if one is given. */
  explain(domain: string, rule?: DestinationRule): Promise<RouteReport>
  close(): void
}

/**
 * Opens the resolver, which is tested first, and what else routes depend on. Without a resolver that validates DANE is
 * off, which is said in the log; each change of that is an event. Throws `config_invalid`.
 */
export async function openRouting(options: RoutingOptions): Promise<Routing> {
  const { knex, clock, log, config, secrets, random, actor = { kind: 'gateway' } } = options
  const relay = readRelay(config, secrets)
  const tell = async (tested: Tested): Promise<void> => {
    const { validates } = tested
    if (validates) log.info('resolver-validates')
    else {
      const detail = 'SEALPOST_DNS_RESOLVER did not prove that it validates'
      log.error('dane-off', new SealpostError('config_invalid', { detail }), { reason: tested.reason })
    }
    if (knex !== undefined) await recordEvent(knex, clock, actor, { type: 'resolver.tested', validates })
  }
  const onTested = (tested: Tested): void =>
    void tell(tested).catch((error: unknown) => log.error('audit-failed', error))
  if (config.resolver === undefined) log.warn('dane-off', { reason: 'no_resolver' })
  const opened = config.resolver && (await openResolver({ ...config.resolver, onTested }))
  const dns = opened ?? systemDns
  const dependencies: RouteDependencies = {
    knex,
    clock,
    dns,
    mayConnect: peerGuard(config.allowedNetworks),
    fetchPolicy: openStsFetch({ dns, ca: secrets.publicCa, allowedNetworks: config.allowedNetworks }),
    relay,
    log,
    random,
  }
  const explain: Routing['explain'] = (domain, rule) =>
    rule === undefined ? explainRoute(dependencies, domain) : explainRule(dependencies, domain, rule)
  return {
    dns,
    explain,
    findRoute: async domain => (await explain(domain)).route,
    close: () => opened?.close(),
  }
}

function readRelay({ relayRule }: RoutingConfig, { relayCredentials }: RoutingSecrets): Relay | undefined {
  if (relayRule === undefined) return undefined
  const rule = parseDestinationRule(relayRule)
  if (rule.mode === 'auto') {
    const detail = 'SEALPOST_RELAY_RULE_FILE must hold a rule of mode pinned or secure'
    throw new SealpostError('config_invalid', { detail })
  }
  return { rule, credentials: relayCredentials && (() => relayCredentials) }
}
