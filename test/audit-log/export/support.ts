import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { type AuditEvent, appendEvents } from '../../../src/audit/index.ts'
import { type Exported, type ExportWish, exportLog } from '../../../src/audit-log/index.ts'
import { type Clock, newId, systemClock } from '../../../src/kernel/index.ts'
import { type Report, type VerifyOptions, verifyExport } from '../../../src/verifier/index.ts'
import { eventually } from '../../support/locks.ts'
import { openTestLog, type TestLog } from '../sequencer/support.ts'

export const actor = { kind: 'host' } as const

/** Appends some events, then others of two types in turn, and takes them into the log. */
export async function grow(
  log: TestLog,
  count: number,
  at?: Date,
  before: readonly AuditEvent[] = [],
): Promise<void> {
  const clock: Clock = at === undefined ? systemClock : { now: () => at }
  await log.gateway.transaction(trx =>
    appendEvents(
      trx,
      clock,
      [...before, ...Array.from({ length: count }, (_, number) => eventNumber(number, clock))].map(event => ({
        actor,
        event,
      })),
    ),
  )
  const sequencer = log.sequencer({ clock })
  await eventually('all events are in the log', async () => {
    await sequencer.pass()
    const waiting = log.owner('audit_events').whereNotIn('seq', log.owner('audit_leaves').select('seq'))
    return (await waiting.pluck<string[]>('seq')).length === 0
  })
  await sequencer.stop()
}

function eventNumber(number: number, clock: Clock): AuditEvent {
  return number % 2 === 0
    ? { type: 'enrolment.link.used', recipient: newId('rcp', clock) }
    : { type: 'application.revoked', application: newId('app', clock) }
}

export function exported(knex: Knex, to: string, wish: ExportWish = {}): Promise<Exported> {
  return exportLog({ knex, clock: systemClock, actor }, to, wish)
}

/** The report with paths below the directory. */
export function verified(directory: string, options: VerifyOptions = {}): Report {
  const report = verifyExport([directory], options)
  const short = (where: string): string => where.replace(`${directory}/`, '')
  return {
    ...report,
    findings: report.findings.map(({ where, ...rest }) => ({ ...rest, where: short(where) })),
  }
}

/** A log and a place for directories, both gone at the end. */
export async function openExportTest(): Promise<{
  readonly log: TestLog
  readonly place: () => string
  readonly close: () => Promise<void>
}> {
  const base = mkdtempSync(join(tmpdir(), 'sealpost-export-'))
  const log = await openTestLog()
  let places = 0
  return {
    log,
    place: () => join(base, String((places += 1))),
    close: async () => {
      rmSync(base, { recursive: true })
      await log.close()
    },
  }
}
