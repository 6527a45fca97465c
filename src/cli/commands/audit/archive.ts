import { Command } from 'commander'
import { archiveEvents } from '../../../audit-log/index.ts'
import { SealpostError, systemClock } from '../../../kernel/index.ts'
import { readNotes } from '../../../verifier/index.ts'
import { print, printJson } from '../../output.ts'
import { withOwner } from '../../with-owner.ts'
import { showProgress } from './export.ts'

interface Options {
  readonly before: Date
  readonly to: string
  readonly anchor?: readonly string[]
  readonly json?: true
}

/** `audit archive --before MONTH --to DIR`: past months leave the database, verified. Goes on where an interrupted one ended. */
export function auditArchiveCommand(): Command {
  return new Command('archive')
    .description('move the events of past months into a directory that was verified; their proofs stay')
    .requiredOption('--before <month>', 'YYYY-MM (UTC): what is older goes', monthOf)
    .requiredOption('--to <directory>', 'new, or with what an interrupted archive of the same left')
    .option('--anchor <file|directory...>', 'checkpoints that were kept elsewhere, to verify against')
    .option('--json', 'answer as JSON')
    .action(async ({ before, to, anchor = [], json }: Options) => {
      const known = anchor.flatMap(path => [...readNotes(path)])
      const archived = await withOwner(knex =>
        archiveEvents(
          { knex, clock: systemClock, actor: { kind: 'host' }, onProgress: showProgress },
          { before, to, known },
        ),
      )
      if (json)
        printJson(archived === undefined ? { archived: null } : { archived: { directory: to, ...archived } })
      else if (archived === undefined) print('nothing to archive')
      else
        print(
          `leaves ${archived.first} to ${archived.next - 1}, verified under ${archived.size} leaves, in ${to}; ` +
            `${archived.removed} events left the database. Keep the directory: nothing else has them.`,
        )
    })
}

function monthOf(text: string): Date {
  if (/^\d{4}-(?:0[1-9]|1[0-2])$/.test(text)) return new Date(`${text}-01T00:00:00Z`)
  throw new SealpostError('usage', { detail: 'a month is written such as 2027-01' })
}
