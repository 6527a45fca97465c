import { Command } from 'commander'
import { systemClock } from '../../kernel/index.ts'
import { grouped, inventoryOf } from '../../keys/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

/** `inventory`: which cryptography is in use, counted (PCI DSS 4.0.1, requirement 12.3.3). */
export function inventoryCommand(): Command {
  return new Command('inventory')
    .description('the algorithms, formats and ends of all certificates, and our own key')
    .option('--json', 'answer as JSON')
    .action(async ({ json }: { json?: true }) => {
      const inventory = await withOwner(knex => inventoryOf(knex, systemClock.now()))
      if (json) {
        printJson(inventory)
        return
      }
      const { signingKey, certificates } = inventory
      print(
        signingKey === null
          ? 'signing key: none'
          : `signing key: ${grouped(signingKey.fingerprint)}  ${signingKey.algorithm}  since ${signingKey.createdAt.toISOString().slice(0, 10)}`,
      )
      for (const line of certificates) {
        const { algorithm, format, state, ending } = line
        print(inert([String(line.certificates).padStart(7), algorithm, format, state, ending].join('  ')))
      }
    })
}
