import { Command, Option } from 'commander'
import {
  addApplication,
  type CardRule,
  changeApplication,
  listApplications,
  ordinaryCards,
  ordinaryRate,
  revokeApplication,
} from '../../access/index.ts'
import { isAddress, SealpostError, systemClock } from '../../kernel/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

/** `app add|set|list|revoke`: which internal applications may post messages, and as whom. */
export function appCommand(): Command {
  const app = new Command('app').description('internal applications')
  app
    .command('add')
    .argument('<name>', 'a name for people and logs')
    .requiredOption('--san <name>', "the certificate's name, as DNS:… or URI:…")
    .requiredOption('--sender <address...>', 'an address it may write from, or @domain')
    .addOption(cardsOption().default(ordinaryCards.cards))
    .option('--max-cards <n>', 'as many different card numbers in one message', parseCount)
    .option('--unreadable', 'it may send parts that cannot be looked into, such as encrypted archives')
    .option('--rate <n>', 'messages that it may submit a minute, of each replica', parseRate, ordinaryRate)
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: AddOptions) => {
      const { san, sender: senders } = options
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))
        throw usage('the name must be lower-case letters, digits and hyphens')
      if (!/^(?:DNS|URI):[!-~]{1,250}$/.test(san)) throw usage('--san must be DNS:… or URI:…')
      if (!senders.every(sender => isAddress(sender.startsWith('@') ? `a${sender}` : sender))) {
        throw usage('--sender must be an address or @domain')
      }
      const rule = ruleOf(options)
      const { rate: ratePerMinute } = options
      const application = await withOwner(knex =>
        addApplication(knex, systemClock, { name, san, senders, rule, ratePerMinute }),
      )
      if (options.json) printJson(application)
      else print(`${application.id} ${name} may send as ${senders.join(', ')}`)
    })
  app
    .command('set')
    .description(
      'what an application may send, and how much, from its next message on; of --cards, --max-cards and --unreadable what is not named is as for a new one',
    )
    .argument('<name>')
    .addOption(cardsOption())
    .option('--max-cards <n>', 'as many different card numbers in one message', parseCount)
    .option('--unreadable', 'it may send parts that cannot be looked into, such as encrypted archives')
    .option('--rate <n>', 'messages that it may submit a minute, of each replica', parseRate)
    .action(async (name: string, { rate, ...cards }: SetOptions) => {
      const changesCards = Object.keys(cards).length > 0
      if (!changesCards && rate === undefined) throw usage('nothing to change is named')
      const change = {
        ...(changesCards ? ruleOf(cards) : {}),
        ...(rate === undefined ? {} : { ratePerMinute: rate }),
      }
      const id = await withOwner(knex => changeApplication(knex, systemClock, name, change))
      print(`${id}: changed`)
    })
  app
    .command('list')
    .option('--json', 'answer as JSON')
    .action(async (options: { json?: true }) => {
      const applications = await withOwner(listApplications)
      if (options.json) printJson(applications)
      else {
        for (const { id, name, san, senders, revokedAt, ratePerMinute, ...rule } of applications) {
          const state = revokedAt === null ? 'in force' : 'revoked'
          const may = `${inWords(rule)}, ${ratePerMinute} a minute`
          print(inert(`${id}  ${name}  ${san}  ${senders.join(',')}  ${may}  ${state}`))
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

interface RuleOptions {
  readonly cards?: CardRule['cards']
  readonly maxCards?: number
  readonly unreadable?: true
}

interface AddOptions extends RuleOptions {
  readonly san: string
  readonly sender: string[]
  readonly rate: number
  readonly json?: true
}

interface SetOptions extends RuleOptions {
  readonly rate?: number
}

function cardsOption(): Option {
  return new Option('--cards <rule>', 'whether its messages hold card numbers').choices([
    'required',
    'allowed',
    'forbidden',
  ])
}

function ruleOf({ cards = ordinaryCards.cards, maxCards, unreadable }: RuleOptions): CardRule {
  if (cards === 'forbidden' && maxCards !== undefined)
    throw usage('--max-cards says nothing where cards are forbidden')
  return { cards, maxCards: maxCards ?? null, unreadable: unreadable === true }
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw usage('--max-cards must be a number from 1 to 999999')
}

function parseRate(text: string): number {
  if (/^[1-9]\d{0,5}$|^1000000$/.test(text)) return Number(text)
  throw usage('--rate must be a number from 1 to 1000000')
}

function inWords({ cards, maxCards, unreadable }: CardRule): string {
  return `cards ${cards}${maxCards === null ? '' : `, at most ${maxCards}`}${unreadable ? ', unreadable parts allowed' : ''}`
}

function usage(detail: string): SealpostError {
  return new SealpostError('usage', { detail })
}
