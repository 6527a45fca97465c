import { Command } from 'commander'
import { recordMigrations } from '../../audit/index.ts'
import { loadOwnerDatabase } from '../../config/index.ts'
import { systemClock } from '../../kernel/index.ts'
import { migrate } from '../../platform/index.ts'
import { print, printJson } from '../output.ts'

/** `migrate`: brings the database to the schema of this version, as its owner. Repeatable. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('create or upgrade the database schema')
    .option('--json', 'answer as JSON')
    .action(async (options: { json?: true }) => {
      const applied = await migrate(loadOwnerDatabase(process.env), (trx, all) =>
        recordMigrations(trx, systemClock, all),
      )
      if (options.json) printJson({ applied })
      else print(applied.length === 0 ? 'the schema is current' : `applied ${applied.join(', ')}`)
    })
}
