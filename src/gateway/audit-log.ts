import type { Knex } from 'knex'
import { type Actor, type Alarms, recordEvent } from '../audit/index.ts'
import { latestCheckpoint, openIndexing, openSequencer } from '../audit-log/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import type { NoteSigner } from '../tlog/index.ts'

interface LogKeeping {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly alarms: Alarms
  /** Undefined on a replica that opened no key: others keep the log. */
  readonly key: NoteSigner | undefined
}

const itself: Actor = { kind: 'gateway' }

/** Takes events into the audit log and signs it, and notes what they are about, from now until the replica stops. */
export async function openLogKeeping(
  opened: AsyncDisposableStack,
  { knex, clock, log, alarms, key }: LogKeeping,
): Promise<void> {
  const indexing = openIndexing({ knex, clock, log })
  opened.defer(() => indexing.stop())
  if (key === undefined) return
  const tell = async (type: 'log.started' | 'log.stopped'): Promise<void> => {
    const size = (await latestCheckpoint(knex))?.size ?? 0
    await recordEvent(knex, clock, itself, { type, size })
  }
  await tell('log.started')
  const sequencer = openSequencer({ knex, clock, log, key, alarms })
  opened.defer(async () => {
    await sequencer.stop()
    // Stopping does not depend on the database.
    await tell('log.stopped').catch((error: unknown) => log.error('audit-failed', error))
  })
}
