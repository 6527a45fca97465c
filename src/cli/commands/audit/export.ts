import { Command } from 'commander'
import { exportLog } from '../../../audit-log/index.ts'
import { SealpostError, systemClock } from '../../../kernel/index.ts'
import { print, printJson } from '../../output.ts'
import { withOwner } from '../../with-owner.ts'

interface Options {
  readonly to: string
  readonly from?: Date
  readonly until?: Date
  readonly type?: string
  readonly subject?: string
  readonly json?: true
}

/** `audit export --to DIR`: the log as of its newest checkpoint. Goes on where an interrupted one ended. */
export function auditExportCommand(): Command {
  return new Command('export')
    .description('write the audit log, or a part, into a directory for `audit verify`')
    .requiredOption('--to <directory>', 'new, or with what an interrupted export of the same left')
    .option('--from <time>', 'events not before, ISO 8601', timeOf)
    .option('--until <time>', 'events before, ISO 8601', timeOf)
    .option('--type <type>', 'events of one type (docs/audit-events.md)')
    .option('--subject <id>', 'events about one id, address or name')
    .option('--json', 'answer as JSON')
    .action(async ({ to, json, ...wish }: Options) => {
      const exported = await withOwner(knex =>
        exportLog({ knex, clock: systemClock, actor: { kind: 'host' }, onProgress: showProgress }, to, wish),
      )
      if (json) printJson({ directory: to, ...exported })
      else print(`${exported.events} events, as of ${exported.size} leaves, in ${to}`)
    })
}

/** To standard error, a line each: what is piped elsewhere stays clean. */
export function showProgress(leaves: number, of: number): void {
  process.stderr.write(`${leaves} of ${of} leaves\n`)
}

function timeOf(text: string): Date {
  const at = new Date(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(at.getTime())) return at
  throw new SealpostError('usage', { detail: 'a time is written such as 2027-01-31T08:00:00Z' })
}
