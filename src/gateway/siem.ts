import type { Knex } from 'knex'
import type { Alarms } from '../audit/index.ts'
import { type Anchor, openStream, openSyslogAnchor, type Siem } from '../audit-log/index.ts'
import type { Config } from '../config/index.ts'
import type { OwnTls } from '../http/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'

interface Streaming {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly alarms: Alarms
  readonly tls: OwnTls
  /** The log's. */
  readonly origin: string
}

/** Sends the audit log to the SIEM among the settings, from now until the replica stops. Gives the anchor that it is besides. */
export function openSiem(
  opened: AsyncDisposableStack,
  config: Config,
  { tls, origin, ...common }: Streaming,
): Anchor | undefined {
  const { syslog: at, mailHost: hostname, foreignCertificates: foreign } = config
  const siem: Siem | undefined = at && {
    receiver() {
      const { syslog: known } = tls.files()
      if (known === undefined) throw new Error('its settings go together')
      return { ...at, ...known, foreign }
    },
    hostname,
    origin,
  }
  const stream = openStream({ ...common, siem })
  opened.defer(() => stream.stop())
  return siem && openSyslogAnchor(siem)
}
