import { SealpostError } from '../../kernel/index.ts'
import { lifecycleOf } from '../../policy/index.ts'
import { type Acting, type Parts, requireAdmin } from '../dependencies.ts'
import type { Enrolment } from '../open-enrolment.ts'
import { attestationKinds, type ImportedLine, type Invitation, type NewAttestation } from '../recipient.ts'
import { invitationFaults } from './check.ts'
import { readCsvLine } from './csv.ts'
import { inviteOne } from './invite.ts'

/** Columns that must be there, in whatever order. */
const requiredColumns = ['address', 'organisation', 'kind', 'phone', 'retentionDays'] as const
/** For each kind of attestation, if wanted: its reference and its last day, `aoc` and `aocUntil`. */
const optionalColumns = attestationKinds.flatMap(kind => [kind, `${kind}Until`])

const mostLines = 10_000
const longestLine = 4_000
const mostCharacters = 4_000_000

/**
 * Invites line by line, each in its own transaction: a line that is wrong, or whose address is enrolled, is reported and
 * harms no other. When the database fails, the import ends with its error; what was taken stays, and the file can be sent
 * again: nobody is invited twice. The first line names the columns.
 */
export function openImport(parts: Parts): Pick<Enrolment, 'importCsv'> {
  const { knex, clock, policy } = parts
  return {
    async importCsv(by, text) {
      requireAdmin(by)
      const rows = rowsOf(text)
      const { invitationDays } = lifecycleOf(await policy(knex))
      const lines: ImportedLine[] = []
      for (const row of rows) {
        const { line, invitation, errors } = readRow(row, clock.now())
        lines.push(
          invitation === undefined
            ? { line, recipient: null, code: 'invalid_request', errors }
            : await take(parts, by, line, invitation, invitationDays),
        )
      }
      const invited = lines.filter(({ code }) => code === 'ok').length
      return { invited, refused: lines.length - invited, lines }
    },
  }
}

async function take(
  parts: Parts,
  by: Acting,
  line: number,
  invitation: Invitation,
  invitationDays: number,
): Promise<ImportedLine> {
  try {
    const { id } = await inviteOne(parts, by, invitation, invitationDays)
    return { line, recipient: id, code: 'ok', errors: [] }
  } catch (error) {
    if (!(error instanceof SealpostError)) throw error
    if (error.code === 'name_taken')
      return {
        line,
        recipient: null,
        code: 'name_taken',
        errors: [{ column: 'address', code: 'name_taken' }],
      }
    throw error
  }
}

interface Row {
  readonly line: number
  readonly fields: ReadonlyMap<string, string> | 'malformed' | 'too_long'
}

/** The lines below the header. Throws `invalid_request` when the file as a whole is not what is expected. */
function rowsOf(text: string): readonly Row[] {
  if (text.length > mostCharacters) throw refused('too_long')
  const [header = '', ...lines] = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
  while (lines.at(-1) === '') lines.pop()
  const columns = header.length > longestLine ? 'malformed' : readCsvLine(header)
  if (columns === 'malformed' || !areColumns(columns)) throw refused('columns')
  if (lines.length > mostLines) throw refused('too_many')
  return lines.map((line, i) => ({ line: i + 2, fields: fieldsOf(line, columns) }))
}

function areColumns(columns: readonly string[]): boolean {
  const known: readonly string[] = [...requiredColumns, ...optionalColumns]
  return (
    requiredColumns.every(name => columns.includes(name)) &&
    columns.every(name => known.includes(name)) &&
    new Set(columns).size === columns.length
  )
}

function fieldsOf(line: string, columns: readonly string[]): Row['fields'] {
  if (line.length > longestLine) return 'too_long'
  const fields = readCsvLine(line)
  if (fields === 'malformed' || fields.length !== columns.length) return 'malformed'
  return new Map(columns.map((name, i) => [name, fields[i] ?? '']))
}

type ReadRow = { readonly line: number; readonly errors: ImportedLine['errors'] } & {
  readonly invitation: Invitation | undefined
}

function readRow({ line, fields }: Row, now: Date): ReadRow {
  if (typeof fields === 'string')
    return { line, invitation: undefined, errors: [{ column: '', code: fields }] }
  const field = (name: string): string => fields.get(name) ?? ''
  const retention = field('retentionDays')
  const given = attestationKinds.filter(kind => field(kind) !== '' || field(`${kind}Until`) !== '')
  const claimed = {
    address: field('address'),
    organisation: field('organisation'),
    kind: field('kind'),
    phone: field('phone'),
    retentionDays: /^[0-9]{1,5}$/.test(retention) ? Number(retention) : Number.NaN,
    attestations: given.map(
      (kind): NewAttestation => ({ kind, reference: field(kind), validUntil: endOf(field(`${kind}Until`)) }),
    ),
  }
  // Of the form alone: `invitationFaults` looks at every value.
  const invitation = claimed as unknown as Invitation
  const errors = invitationFaults(invitation, now).map(({ pointer, code }) => ({
    column: columnOf(pointer, given),
    code,
  }))
  return { line, invitation: errors.length === 0 ? invitation : undefined, errors }
}

/** The end of a day in UTC, as ISO 8601 writes days; an invalid date otherwise. */
function endOf(day: string): Date {
  const end = new Date(/^\d{4}-\d{2}-\d{2}$/.test(day) ? `${day}T23:59:59.999Z` : Number.NaN)
  // 31 February is a day of March to `Date`.
  return !Number.isNaN(end.getTime()) && end.toISOString().startsWith(day) ? end : new Date(Number.NaN)
}

function columnOf(pointer: string, given: readonly string[]): string {
  const [, first = '', index, name] = pointer.split('/')
  if (first !== 'attestations' || index === undefined) return first
  const kind = given[Number(index)] ?? ''
  return name === 'validUntil' ? `${kind}Until` : kind
}

function refused(code: string): SealpostError {
  return new SealpostError('invalid_request', { errors: [{ pointer: '', code }] })
}
