import { Command } from 'commander'
import { SealpostError } from '../../../kernel/index.ts'
import { readNotes, verifyExport } from '../../../verifier/index.ts'
import { print, printJson } from '../../output.ts'
import { describeReport } from './describe-report.ts'
import { verifyEvidenceFile } from './evidence/verify.ts'
import { reading, verifierKey } from './reading.ts'

interface Options {
  readonly key?: readonly string[]
  readonly anchor?: readonly string[]
  readonly witness?: readonly string[]
  readonly part?: true
  readonly evidence?: string
  readonly ciphertext?: readonly string[]
  readonly json?: true
}

/** `audit verify`: needs no database, no settings and no gateway. Exit 0 when nothing is wrong, 1 when something is. */
export function auditVerifyCommand(): Command {
  return new Command('verify')
    .description('verify what `audit export` or `audit archive` made; several directories count as one log')
    .argument('[directory...]')
    .option('--key <line|file...>', "the log's verifier key, as it came by another way than the directory")
    .option('--anchor <file|directory...>', 'checkpoints that were kept elsewhere')
    .option('--witness <line|file...>', 'the verifier key of a witness that must have cosigned')
    .option('--part', 'not all events need be there, as in a filtered export')
    .option('--evidence <file>', 'verify the evidence of a message instead of directories')
    .option('--ciphertext <file...>', 'with --evidence: a ciphertext or mail that must be one of the message')
    .option('--json', 'answer as JSON')
    .action((directories: readonly string[], { evidence, ciphertext = [], ...options }: Options) => {
      if ((evidence === undefined) === (directories.length === 0) || (ciphertext.length > 0 && !evidence))
        throw new SealpostError('usage', { detail: 'name directories, or one file with --evidence' })
      if (evidence !== undefined) {
        verifyEvidenceFile({ evidence, ciphertext, ...options })
        return
      }
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
