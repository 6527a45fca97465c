import { Command } from 'commander'
import { listLogKeys } from '../../../custody/index.ts'
import { SealpostError } from '../../../kernel/index.ts'
import { inert, print, printJson } from '../../output.ts'
import { withReader } from '../../with-owner.ts'

/** `audit key`: the line by which a verifier knows the log. */
export function auditKeyCommand(): Command {
  return new Command('key')
    .description('print the verifier key of the log: give it to auditors, once, in person')
    .option('--json', 'answer as JSON: all keys there were')
    .action(async ({ json }: { json?: true }) => {
      const keys = await withReader(listLogKeys)
      if (json) {
        printJson(keys)
        return
      }
      const current = keys.find(({ retiredAt }) => retiredAt === null)
      if (current === undefined)
        throw new SealpostError('not_found', {
          detail: 'the log gets its key when the gateway is first unsealed',
        })
      print(inert(current.verifier))
    })
}
