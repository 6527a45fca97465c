import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { SealpostError } from '../../../kernel/index.ts'
import { type NoteVerifier, parseVerifier, TlogError } from '../../../tlog/index.ts'
import { readNotes, verifyExport } from '../../../verifier/index.ts'
import { print, printJson } from '../../output.ts'
import { describeReport } from './describe-report.ts'

interface Options {
  readonly key?: readonly string[]
  readonly anchor?: readonly string[]
  readonly witness?: readonly string[]
  readonly part?: true
  readonly json?: true
}

/** `audit verify`: needs no database, no settings and no gateway. Exit 0 when nothing is wrong, 1 when something is. */
export function auditVerifyCommand(): Command {
  return new Command('verify')
    .description('verify what `audit export` or `audit archive` made; several directories count as one log')
    .argument('<directory...>')
    .option('--key <line|file...>', "the log's verifier key, as it came by another way than the directory")
    .option('--anchor <file|directory...>', 'checkpoints that were kept elsewhere')
    .option('--witness <line|file...>', 'the verifier key of a witness that must have cosigned')
    .option('--part', 'not all events need be there, as in a filtered export')
    .option('--json', 'answer as JSON')
    .action((directories: readonly string[], options: Options) => {
      const progress = !options.json && process.stderr.isTTY
      const report = reading(() =>
        verifyExport(directories, {
          keys: (options.key ?? []).map(verifierKey),
          anchors: (options.anchor ?? []).flatMap(path => [...readNotes(path)]),
          witnesses: (options.witness ?? []).map(verifierKey),
          ...(options.part && { needed: { first: 0, next: 0 } }),
          ...(progress && { onProgress: leaves => process.stderr.write(`\r${leaves} leaves `) }),
        }),
      )
      if (progress) process.stderr.write('\r')
      if (options.json) printJson(report)
      else print(describeReport(report))
      if (!report.ok) process.exitCode = 1
    })
}

/** A key as its line, or a file with that line. Throws `usage`. */
function verifierKey(text: string): NoteVerifier {
  const line = text.includes('+') ? text : reading(() => readFileSync(text, 'utf8')).trimEnd()
  try {
    return parseVerifier(line)
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    throw new SealpostError('usage', { detail: 'a verifier key is a line name+id+base64, or a file with it' })
  }
}

/** What the file system refuses is a wrong call, not a wrong log. */
function reading<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error
    throw new SealpostError('usage', { detail: `a file or directory cannot be read (${String(error.code)})` })
  }
}
