import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { loadNoticeConfig } from '../../config/index.ts'
import { domainsWithoutRule, lacksDestination, stopDeliveries } from '../../delivery/index.ts'
import {
  domainOf,
  isAddress,
  isId,
  type RecipientId,
  SealpostError,
  systemClock,
} from '../../kernel/index.ts'
import { grouped } from '../../keys/index.ts'
import { policyInForce } from '../../policy/index.ts'
import {
  attestationKinds,
  type Enrolment,
  type NewAttestation,
  openEnrolment,
  type RecipientDetails,
  type RecipientFilter,
  type RecipientSummary,
  recipientKinds,
} from '../../recipients/index.ts'
import { openInspector } from '../../sealer/host/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

const states = ['invited', 'active', 'suspended', 'unenrolled'] as const
/** More than an import may hold. */
const largestFile = 16 * 1024 * 1024

interface InviteOptions {
  readonly organisation: string
  readonly kind: string
  readonly phone: string
  readonly retentionDays: string
  readonly attestation?: string[]
  readonly json?: true
}

interface ListOptions {
  readonly state?: string
  readonly kind?: string
  readonly organisation?: string
  readonly q?: string
  readonly expiringBefore?: string
  readonly json?: true
}

/** `recipient invite|import|list|show|renew-link|suspend|unenrol`. Nobody can be approved from here: that takes two operators. */
export function recipientCommand(): Command {
  const recipient = new Command('recipient').description('who may receive, and how far they have come')
  recipient
    .command('invite')
    .argument('<address>')
    .requiredOption('--organisation <name>', 'where they belong')
    .requiredOption('--kind <kind>', recipientKinds.join(', '))
    .requiredOption('--phone <number>', 'for the check of their fingerprint, such as +31 20 123 4567')
    .requiredOption('--retention-days <days>', 'how long they agreed to keep what they get')
    .option(
      '--attestation <kind:reference:day...>',
      'what they have shown and until when, as aoc:A-17:2027-06-30',
    )
    .option('--json', 'answer as JSON')
    .action(async (address: string, options: InviteOptions) => {
      const { organisation, phone, json } = options
      if (!isAddress(address)) throw usage('the address must be a plain one, such as alice@example.org')
      const kind = oneOf(recipientKinds, options.kind, '--kind')
      const retentionDays = wholeNumber(options.retentionDays)
      const attestations = (options.attestation ?? []).map(parseAttestation)
      const given = { address, organisation, kind, phone, retentionDays, attestations }
      const invited = await withEnrolment(enrolment => enrolment.invite('host', given))
      const unreachable = await withOwner(knex => lacksDestination(knex, address))
      if (json) printJson({ ...invited, warnings: unreachable ? ['destination_missing'] : [] })
      else if (unreachable) {
        print(`${invited.id} ${address} is invited; the link waits, for ${domainOf(address)} has no rule`)
        print(`what would do: sealpost destination probe ${domainOf(address)}`)
      } else print(`${invited.id} ${address} is invited; the link is on its way`)
    })
  recipient
    .command('import')
    .description('invite everybody in a CSV file; what is wrong with a line harms no other')
    .argument('<file>', 'its first line names the columns: address,organisation,kind,phone,retentionDays,…')
    .option('--json', 'answer as JSON')
    .action(async (file: string, { json }: { json?: true }) => {
      const text = await readText(file)
      const report = await withEnrolment(enrolment => enrolment.importCsv('host', text))
      const withoutRule = await withOwner(knex => domainsWithoutRule(knex, 50))
      if (report.refused > 0) process.exitCode = 2
      if (json) {
        printJson({ ...report, withoutRule })
        return
      }
      for (const { line, code, errors } of report.lines) {
        if (code === 'ok') continue
        const where = errors.map(({ column, code: fault }) => `${column} ${fault}`.trim()).join(', ')
        print(`line ${line}: ${code} (${where})`)
      }
      print(`invited: ${report.invited}, refused: ${report.refused}`)
      for (const domain of withoutRule) print(inert(`${domain} has no rule: nothing is sent there`))
    })
  recipient
    .command('list')
    .option('--state <state>', states.join(', '))
    .option('--kind <kind>', recipientKinds.join(', '))
    .option('--organisation <name>', 'exactly this one')
    .option('--q <text>', 'what the address or the organisation begins with')
    .option('--expiring-before <day>', 'whose certificate or documents end before this day')
    .option('--json', 'answer as JSON')
    .action(async (options: ListOptions) => {
      const filter = filterOf(options)
      const all = await withEnrolment(enrolment => allOf(enrolment, filter))
      if (options.json) printJson(all)
      else for (const one of all) print(lineOf(one))
    })
  recipient
    .command('show')
    .argument('<recipient>', 'its address or id')
    .option('--json', 'answer as JSON')
    .action(async (who: string, { json }: { json?: true }) => {
      const details = await withEnrolment(async enrolment => enrolment.show(await idOf(enrolment, who)))
      if (json) printJson(details)
      else print(describe(details))
    })
  const act = (
    name: string,
    description: string,
    done: string,
    task: (enrolment: Enrolment, id: RecipientId) => Promise<unknown>,
  ): void => {
    recipient
      .command(name)
      .description(description)
      .argument('<recipient>', 'its address or id')
      .action(async (who: string) => {
        const id = await withEnrolment(async enrolment => {
          const found = await idOf(enrolment, who)
          await task(enrolment, found)
          return found
        })
        print(`${id} ${done}`)
      })
  }
  act('renew-link', 'mail a new link; older ones end', 'gets a new link', (enrolment, id) =>
    enrolment.renewLink('host', id),
  )
  act('suspend', 'send nothing for now, at once', 'is suspended', (enrolment, id) =>
    enrolment.suspend('host', id, 'operator'),
  )
  act('unenrol', 'send nothing any more, at once and for good', 'is unenrolled', (enrolment, id) =>
    enrolment.unenrol('host', id),
  )
  return recipient
}

/** Runs one task as the host. Nothing is sealed or judged here, so no sandbox is ever started. */
function withEnrolment<Result>(task: (enrolment: Enrolment) => Promise<Result>): Promise<Result> {
  const sender = loadNoticeConfig(process.env)
  return withOwner(async knex => {
    const inspector = openInspector()
    try {
      const enrolment = openEnrolment({
        knex,
        clock: systemClock,
        inspector,
        sealer: undefined,
        stop: stopDeliveries,
        sender,
        policy: async handle => {
          const adopted = await policyInForce(handle, systemClock.now())
          if (adopted === undefined) throw new SealpostError('sending_not_approved')
          return adopted.policy
        },
      })
      return await task(enrolment)
    } catch (error) {
      throw withPlaces(error)
    } finally {
      await inspector.close()
    }
  })
}

/** Says what is wrong where, on a terminal that has no pointers. */
function withPlaces(error: unknown): unknown {
  if (!(error instanceof SealpostError) || error.code !== 'invalid_request') return error
  const places = error.details.errors?.map(({ pointer, code }) => `${pointer.slice(1)} ${code}`.trim()) ?? []
  return usage(places.join(', '))
}

async function idOf(enrolment: Enrolment, who: string): Promise<RecipientId> {
  if (isId('rcp', who)) return who
  if (!isAddress(who)) throw usage('a recipient is named by address or id')
  const found = await enrolment.list({ q: who }, { limit: 200 })
  const exact = found.filter(({ address, state }) => address === who && state !== 'unenrolled')
  if (exact[0] === undefined) throw new SealpostError('not_found')
  return exact[0].id
}

async function allOf(enrolment: Enrolment, filter: RecipientFilter): Promise<readonly RecipientSummary[]> {
  const limit = 200
  const all: RecipientSummary[] = []
  for (;;) {
    const after = all.at(-1)?.id
    const page = await enrolment.list(filter, { limit, ...(after === undefined ? {} : { after }) })
    all.push(...page)
    if (page.length < limit) return all
  }
}

function filterOf({ state, kind, organisation, q, expiringBefore }: ListOptions): RecipientFilter {
  return {
    ...(state === undefined ? {} : { state: oneOf(states, state, '--state') }),
    ...(kind === undefined ? {} : { kind: oneOf(recipientKinds, kind, '--kind') }),
    ...(organisation === undefined ? {} : { organisation }),
    ...(q === undefined ? {} : { q }),
    ...(expiringBefore === undefined ? {} : { expiringBefore: parseDay(expiringBefore, 'T00:00:00Z') }),
  }
}

function lineOf({ id, address, state, kind, organisation, certificateExpiresAt }: RecipientSummary): string {
  const end = certificateExpiresAt?.toISOString().slice(0, 10) ?? '-'
  return inert(`${id}  ${state}  ${kind}  ${address}  ${end}  ${organisation}`)
}

function describe(details: RecipientDetails): string {
  const { id, address, state, suspendedFor, organisation, kind, phone, retentionDays, attestedUntil } =
    details
  const facts: [string, string | null][] = [
    ['state', suspendedFor === null ? state : `${state} (${suspendedFor})`],
    ['next step', details.step],
    ['organisation', `${organisation} (${kind})`],
    ['phone', phone],
    ['keeps mail', retentionDays === null ? null : `${retentionDays} days`],
    ['attested until', attestedUntil?.toISOString() ?? 'not yet'],
    ['missing', details.missing.length === 0 ? null : details.missing.join(', ')],
    ...details.attestations.map(({ kind: of, reference, validUntil }): [string, string] => [
      of,
      `${reference}, until ${validUntil.toISOString().slice(0, 10)}`,
    ]),
    ...details.certificates.flatMap(({ state: is, groups, encryptionSubkey }): [string, string][] => [
      [`certificate, ${is}`, groups],
      ['encryption subkey', grouped(encryptionSubkey)],
    ]),
    ...details.proposals
      .slice(0, 1)
      .flatMap(({ state: is, groups, words, encryptionSubkey }): [string, string][] => [
        [`proposal, ${is}`, groups],
        ['encryption subkey', grouped(encryptionSubkey)],
        ['in words', words.join(' ')],
      ]),
  ]
  const lines = facts.flatMap(([name, value]) =>
    value === null ? [] : [`  ${name.padEnd(20)} ${inert(value)}`],
  )
  return [`${id} ${address}`, ...lines].join('\n')
}

function parseAttestation(text: string): NewAttestation {
  const [, kind = '', reference = '', day = ''] = /^([a-z]+):(.+):([^:]+)$/.exec(text) ?? []
  return {
    kind: oneOf(attestationKinds, kind, '--attestation'),
    reference,
    validUntil: parseDay(day, 'T23:59:59.999Z'),
  }
}

function parseDay(text: string, time: string): Date {
  const day = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}${time}` : Number.NaN)
  if (Number.isNaN(day.getTime())) throw usage('a day is written as 2027-06-30')
  return day
}

function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw usage('--retention-days must be a whole number')
  return Number(text)
}

async function readText(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw usage(
      `the file cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : '?'})`,
    )
  })
  if (bytes.length > largestFile) throw usage('the file is too large')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw usage('the file is not UTF-8')
  }
}

function oneOf<const Word extends string>(words: readonly Word[], text: string, option: string): Word {
  const word = words.find(known => known === text)
  if (word === undefined) throw usage(`${option} must be one of ${words.join(', ')}`)
  return word
}

function usage(detail: string): SealpostError {
  return new SealpostError('usage', { detail })
}
