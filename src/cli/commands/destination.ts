import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import {
  type DestinationDetails,
  type DestinationRule,
  type DomainAttempt,
  describeRule,
  listDestinations,
  parseDestinationRule,
  serversOf,
  setFirstDestination,
  showDestination,
} from '../../delivery/index.ts'
import { isAddress, SealpostError, systemClock } from '../../kernel/index.ts'
import { withProbe } from '../open-probe.ts'
import { inert, print, printJson } from '../output.ts'
import { probeLines } from '../probe-report.ts'
import { withOwner } from '../with-owner.ts'

/** `destination set|list|show|probe`: how the mail servers of a recipient domain are authenticated. */
export function destinationCommand(): Command {
  const destination = new Command('destination').description('recipient domains and their TLS rules')
  destination
    .command('set')
    .description(
      'give a domain its first rule, of mode auto; any other rule takes two operators at the console',
    )
    .argument('<domain>')
    .argument('[file]', 'the rule, as JSON (docs/destinations.md); without it {"mode": "auto"}')
    .action(async (domain: string, file: string | undefined) => {
      assertDomain(domain)
      const rule: DestinationRule = file === undefined ? { mode: 'auto' } : await readRule(file)
      await withOwner(knex => setFirstDestination(knex, systemClock, { domain, rule }))
      print(`${domain}: ${describeRule(rule).join(' ')}`)
    })
  destination
    .command('list')
    .option('--json', 'answer as JSON')
    .action(async (options: { json?: true }) => {
      const destinations = await withOwner(listDestinations)
      if (options.json) printJson(destinations)
      else
        for (const { domain, rule } of destinations) {
          print(inert(`${domain}  ${rule.mode}  ${serversOf(rule)}`))
        }
    })
  destination
    .command('show')
    .description('a domain’s rule in plain words, how its servers fared, and what waits for approval')
    .argument('<domain>')
    .option('--json', 'answer as JSON')
    .action(async (domain: string, { json }: { json?: true }) => {
      assertDomain(domain)
      const details = await withOwner(knex => showDestination(knex, domain))
      if (details.rule === null && details.history.length === 0 && details.waiting === null) {
        throw new SealpostError('not_found')
      }
      if (json) printJson(details)
      else for (const line of describe(details)) print(inert(line))
    })
  destination
    .command('probe')
    .description('walk the whole way into a domain without sending: DNS, policies, TLS, verdict')
    .argument('<domain>')
    .option('--rule <file>', 'by this rule instead of the one that is stored; needs no database')
    .option('--json', 'answer as JSON')
    .action(async (domain: string, { rule: file, json }: { rule?: string; json?: true }) => {
      assertDomain(domain)
      const rule = file === undefined ? undefined : await readRule(file)
      const probe =
        rule === undefined
          ? await withOwner(knex => withProbe(knex, walk => walk(domain)))
          : await withProbe(undefined, walk => walk(domain, rule))
      if (json) printJson(probe)
      else for (const line of probeLines(probe)) print(line)
      if (!probe.verdict.ok) process.exitCode = 2
    })
  return destination
}

function describe({ domain, rule, last, lastDelivered, waiting, history }: DestinationDetails): string[] {
  return [
    `${domain}: ${rule?.mode ?? 'no rule, so nothing is sent'}`,
    ...(rule === null ? [] : describeRule(rule).map(sentence => `  ${sentence}`)),
    `  last attempt: ${last === null ? 'none' : attemptWords(last)}`,
    `  last delivered: ${lastDelivered === null ? 'never' : attemptWords(lastDelivered)}`,
    ...(waiting === null ? [] : [`  ${waiting.id} waits for an approver`]),
    ...history.map(event => `  ${event.at} ${event.type} ${'mode' in event ? event.mode : ''}`.trimEnd()),
  ]
}

function attemptWords({ at, outcome, host, tls }: DomainAttempt): string {
  const channel = tls === null ? [] : [tls.rule, tls.version, tls.group ?? '']
  return [at.toISOString(), outcome, host ?? '', ...channel].filter(part => part !== '').join(' · ')
}

async function readRule(file: string): Promise<DestinationRule> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : '?'
    throw new SealpostError('usage', { detail: `the file cannot be read (${reason})` })
  })
  return parseDestinationRule(text)
}

function assertDomain(domain: string): void {
  if (isAddress(`a@${domain}`) && domain === domain.toLowerCase()) return
  throw new SealpostError('usage', { detail: 'the domain must be a host name in lower case' })
}
