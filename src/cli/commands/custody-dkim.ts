import { Command } from 'commander'
import { loadMailHost } from '../../config/index.ts'
import {
  type DkimKeyRecord,
  dkimRecord,
  initDkimKey,
  listDkimKeys,
  retireCurrentDkimKey,
} from '../../custody/index.ts'
import { systemClock } from '../../kernel/index.ts'
import { parseDescriptor } from '../descriptor.ts'
import { inert, print, printJson } from '../output.ts'
import { readPassphrase } from '../passphrase.ts'
import { withOwner } from '../with-owner.ts'

/** `custody dkim init|list|retire`: the keys that sign mails for our domains (docs/dns-records.md). */
export function dkimCommand(): Command {
  const dkim = new Command('dkim').description('the keys that sign mails for our domains (DKIM)')
  dkim
    .command('init')
    .description(
      'generate a key, and print the record for DNS; replicas sign with it from their next start on',
    )
    .requiredOption('--selector <name>', 'the name of the key within the domain, for example s2026')
    .option('--domain <domain>', 'the domain of the senders (default: SEALPOST_MAIL_HOST)')
    .option('--passphrase-fd <n>', 'read the passphrase from this file descriptor', parseDescriptor)
    .option('--json', 'answer as JSON')
    .action(async (options: { selector: string; domain?: string; passphraseFd?: number; json?: true }) => {
      const { selector, domain = loadMailHost(process.env) } = options
      const passphrase = await readPassphrase(options.passphraseFd, 'Passphrase: ')
      const key = await withOwner(knex => initDkimKey(knex, systemClock, { domain, selector }, passphrase))
      if (options.json) printJson(described(key))
      else print(`${zoneLine(key)}\n\nPublish this, then start the replicas again.`)
    })
  dkim
    .command('list')
    .description(
      'all there were, with their records; a retired one stays in DNS until its mails have arrived',
    )
    .option('--json', 'answer as JSON')
    .action(async ({ json }: { json?: true }) => {
      const keys = await withOwner(listDkimKeys)
      if (json) printJson(keys.map(described))
      else
        for (const key of keys) {
          const { retiredAt } = key
          print(inert(`; ${retiredAt === null ? 'current' : `retired ${retiredAt.toISOString()}`}`))
          print(zoneLine(key))
        }
    })
  dkim
    .command('retire')
    .description('sign no more for a domain, from the next start of each replica on')
    .option('--domain <domain>', 'default: SEALPOST_MAIL_HOST')
    .action(async ({ domain = loadMailHost(process.env) }: { domain?: string }) => {
      const selector = await withOwner(knex => retireCurrentDkimKey(knex, systemClock, domain))
      print(inert(`${selector}._domainkey.${domain}: retired`))
    })
  return dkim
}

function described(key: DkimKeyRecord): object {
  const { domain, selector, algorithm, createdAt, retiredAt } = key
  const { name, strings } = dkimRecord(key)
  return { domain, selector, algorithm, createdAt, retiredAt, record: { name, type: 'TXT', strings } }
}

function zoneLine(key: DkimKeyRecord): string {
  const { name, strings } = dkimRecord(key)
  return `${name}. IN TXT ( ${strings.map(text => `"${text}"`).join(' ')} )`
}
