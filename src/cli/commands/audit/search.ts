import { Command } from 'commander'
import { type AuditEventType, catalogue } from '../../../audit/index.ts'
import { cardDataIn, isAddress, SealpostError, systemClock } from '../../../kernel/index.ts'
import { aboutOf, actorOf, type EventFilter, fieldsOf, readEvents } from '../../../review/index.ts'
import { inert, print, printJson } from '../../output.ts'
import { withOwner } from '../../with-owner.ts'

type Options = Readonly<Partial<Record<keyof typeof forms, string>>> & {
  readonly from?: Date
  readonly until?: Date
  readonly limit: number
  readonly before?: number
  readonly json?: true
}

const id = (prefix: string) => (text: string) => new RegExp(`^${prefix}_[0-9a-hjkmnp-tv-z]{26}$`).test(text)
const code = (text: string) => /^[a-z][a-z0-9_]{1,63}$/.test(text) && cardDataIn(text) === undefined

/** What events are searched by, each with its form. What is not of the form would be found nowhere, and kept in the log. */
const forms: {
  readonly [Name in Exclude<keyof EventFilter, 'from' | 'until'>]-?: (text: string) => boolean
} = {
  type: text => Object.hasOwn(catalogue, text),
  result: text => text === 'success' || text === 'failure',
  by: text => ['application', 'gateway', 'host', 'operator', 'recipient', 'peer'].includes(text),
  recipient: id('rcp'),
  application: id('app'),
  operator: id('opr'),
  message: id('msg'),
  delivery: id('dlv'),
  change: id('chg'),
  id: id('[a-z]{3}'),
  key: text => /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(text),
  domain: text => text === text.toLowerCase() && isAddress(`a@${text}`) && cardDataIn(text) === undefined,
  outcome: code,
  code,
  address: text => /^[0-9A-Fa-f:.]{2,45}$/.test(text) && cardDataIn(text) === undefined,
}

/** `audit search`: events of the log by what they are about, the last first. That somebody searched is recorded. */
export function auditSearchCommand(): Command {
  const command = new Command('search')
    .description('find events by what they are about; all that is given must hold')
    .option('--from <time>', 'not before, ISO 8601 with a zone, or a day of UTC', timeOf)
    .option('--until <time>', 'before', timeOf)
    .option('--limit <count>', 'at most so many', countOf, 50)
    .option('--before <leaf>', 'where an earlier answer stopped (`next`)', countOf)
    .option('--json', 'answer as JSON')
  const hints = { by: '<kind>', type: '<type>', key: '<fingerprint>' } as const
  for (const name of Object.keys(forms) as (keyof typeof forms)[]) {
    command.option(`--${name} ${name in hints ? hints[name as keyof typeof hints] : `<${name}>`}`)
  }
  return command.action(async ({ json, limit, before, ...given }: Options) => {
    const { events, next } = await withOwner(async knex => {
      const reader = { knex, clock: systemClock, actor: { kind: 'host' } } as const
      const found = []
      let place = before
      do {
        const page = await readEvents(reader, filterOf(given), { limit: limit - found.length, before: place })
        found.push(...page.events)
        place = page.next
      } while (place !== undefined && found.length < limit)
      return { events: found, next: place ?? null }
    })
    if (json) printJson({ events: events.map(({ leaf, body }) => ({ leaf, ...fieldsOf(body) })), next })
    else {
      for (const { leaf, at, type, body } of events) {
        print(inert([leaf, at.toISOString(), type, `by ${actorOf(body)}`, ...aboutOf(body)].join('  ')))
      }
      if (next !== null) print(`go on with --before ${next}`)
    }
  })
}

function filterOf({ from, until, ...given }: Omit<Options, 'limit'>): EventFilter {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string' || !forms[name as keyof typeof forms](value))
      throw new SealpostError('usage', { detail: `--${name} is not of its form` })
  }
  const times = { ...(from && { from }), ...(until && { until }) }
  return { ...(given as Omit<EventFilter, 'type'> & { readonly type?: AuditEventType }), ...times }
}

function timeOf(text: string): Date {
  const at = new Date(text)
  if (/^\d{4}-\d\d-\d\d(?:T.*(?:Z|[+-]\d\d:\d\d))?$/.test(text) && !Number.isNaN(at.getTime())) return at
  throw new SealpostError('usage', { detail: 'a time is written such as 2027-01-31T08:00:00Z' })
}

function countOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new SealpostError('usage', { detail: 'a count is digits only' })
}
