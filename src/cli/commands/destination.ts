import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import {
  type DestinationRule,
  listDestinations,
  parseDestinationRule,
  setDestination,
} from '../../delivery/index.ts'
import { isAddress, SealpostError, systemClock } from '../../kernel/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

/** `destination set|list`: how the mail servers of a recipient domain are authenticated. */
export function destinationCommand(): Command {
  const destination = new Command('destination').description('recipient domains and their TLS rules')
  destination
    .command('set')
    .argument('<domain>')
    .argument('<file>', 'the rule, as JSON (docs/destinations.md)')
    .action(async (domain: string, file: string) => {
      if (!isAddress(`a@${domain}`) || domain !== domain.toLowerCase()) {
        throw new SealpostError('usage', { detail: 'the domain must be a host name in lower case' })
      }
      const rule = parseDestinationRule(await readFile(file, 'utf8'))
      await withOwner(knex => setDestination(knex, systemClock, domain, rule))
      print(`${domain} is reached by ${namesOf(rule)}, ${rule.mode}`)
    })
  destination
    .command('list')
    .option('--json', 'answer as JSON')
    .action(async (options: { json?: true }) => {
      const destinations = await withOwner(listDestinations)
      if (options.json) printJson(destinations)
      else
        for (const { domain, rule } of destinations) print(inert(`${domain}  ${rule.mode}  ${namesOf(rule)}`))
    })
  return destination
}

function namesOf(rule: DestinationRule): string {
  return rule.mode === 'auto' ? 'its own mail servers' : rule.hosts.map(host => host.name).join(', ')
}
