import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { issueEvidence } from '../../../../evidence/index.ts'
import { SealpostError, systemClock } from '../../../../kernel/index.ts'
import { print, printJson } from '../../../output.ts'
import { withOwner } from '../../../with-owner.ts'

interface Options {
  readonly to?: string
  readonly json?: true
}

/** `audit evidence ID`: one file that proves what became of a message. */
export function auditEvidenceCommand(): Command {
  return new Command('evidence')
    .description('write the evidence of a message, for `audit verify --evidence`; that you did is recorded')
    .argument('<message>', 'its id, msg_…')
    .option('--to <file>', 'a new file; default: standard output')
    .option('--json', 'answer as JSON where the file went')
    .action(async (message: string, { to, json }: Options) => {
      if (json && to === undefined) throw new SealpostError('usage', { detail: '--json goes with --to' })
      const { size, text } = await withOwner(knex =>
        issueEvidence({ knex, clock: systemClock }, { kind: 'host' }, message),
      )
      if (to === undefined) {
        process.stdout.write(text)
        return
      }
      write(to, text)
      if (json) printJson({ message, file: to, size })
      else print(`the evidence of ${message}, as of ${size} leaves, is in ${to}`)
    })
}

/** Nothing that is there is written over. */
function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error
    throw new SealpostError('usage', { detail: `the file cannot be written (${String(error.code)})` })
  }
}
