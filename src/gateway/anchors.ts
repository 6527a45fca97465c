import type { Knex } from 'knex'
import type { Alarms } from '../audit/index.ts'
import {
  type Anchor,
  openAnchoring,
  openDirectoryAnchor,
  openOwnLog,
  openWitnessAnchor,
  parseWitness,
} from '../audit-log/index.ts'
import type { Config, Secrets } from '../config/index.ts'
import type { Clock } from '../kernel/index.ts'
import { openFetcher } from '../platform/https/index.ts'
import type { Logger } from '../platform/index.ts'

interface Anchored {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly alarms: Alarms
  /** The syslog server, if there is one. */
  readonly siem: Anchor | undefined
}

/** Takes checkpoints to the anchors among the settings, from now until the replica stops. Throws `config_invalid`. */
export function openAnchors(
  opened: AsyncDisposableStack,
  { anchors: config, allowedNetworks }: Config,
  { anchors: secrets }: Secrets,
  { siem, ...common }: Anchored,
): void {
  const { directory, witnesses = [], every = 60_000 } = config ?? {}
  const own = openOwnLog(common.knex)
  const fetcher = openFetcher({ ca: secrets?.witnessCa, allowedNetworks, redirects: 0, deadline: 6_000 })
  const anchors = [
    ...(directory === undefined ? [] : [openDirectoryAnchor(directory, own)]),
    ...witnesses.map(witness => openWitnessAnchor(parseWitness(witness), own, fetcher)),
    ...(siem === undefined ? [] : [siem]),
  ]
  const anchoring = openAnchoring({ ...common, anchors, every })
  opened.defer(() => anchoring.stop())
}
