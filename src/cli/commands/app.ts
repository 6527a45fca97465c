import { Command } from 'commander'
import { addApplication, listApplications, revokeApplication } from '../../access/index.ts'
import { isAddress, SealpostError, systemClock } from '../../kernel/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

/** `app add|list|revoke`: which internal applications may post messages, and as whom. */
export function appCommand(): Command {
  const app = new Command('app').description('internal applications')
  app
    .command('add')
    .argument('<name>', 'a name for people and logs')
    .requiredOption('--san <name>', "the certificate's name, as DNS:… or URI:…")
    .requiredOption('--sender <address...>', 'an address it may write from, or @domain')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: { san: string; sender: string[]; json?: true }) => {
      const { san, sender: senders } = options
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))
        throw usage('the name must be lower-case letters, digits and hyphens')
      if (!/^(?:DNS|URI):[!-~]{1,250}$/.test(san)) throw usage('--san must be DNS:… or URI:…')
      if (!senders.every(sender => isAddress(sender.startsWith('@') ? `a${sender}` : sender))) {
        throw usage('--sender must be an address or @domain')
      }
      const application = await withOwner(knex => addApplication(knex, systemClock, { name, san, senders }))
      if (options.json) printJson(application)
      else print(`${application.id} ${name} may send as ${senders.join(', ')}`)
    })
  app
    .command('list')
    .option('--json', 'answer as JSON')
    .action(async (options: { json?: true }) => {
      const applications = await withOwner(listApplications)
      if (options.json) printJson(applications)
      else {
        for (const { id, name, san, senders, revokedAt } of applications) {
          print(
            inert(
              `${id}  ${name}  ${san}  ${senders.join(',')}  ${revokedAt === null ? 'in force' : 'revoked'}`,
            ),
          )
        }
      }
    })
  app
    .command('revoke')
    .argument('<name>')
    .action(async (name: string) => {
      const id = await withOwner(knex => revokeApplication(knex, systemClock, name))
      print(`${id} is revoked`)
    })
  return app
}

function usage(detail: string): SealpostError {
  return new SealpostError('usage', { detail })
}
