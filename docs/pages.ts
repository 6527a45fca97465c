import { type Setting, settings } from '../src/config/index.ts'
import { type Outcome, outcomes as outcomeTable } from '../src/delivery/outcome.ts'
import { statuses } from '../src/http/problem.ts'
import { type ErrorCode, errorCatalogue } from '../src/kernel/index.ts'
import { alarmsPage } from './alarms-page.ts'
import { auditEventsPage } from './audit-events-page.ts'
import { clientTypes } from './client-types.ts'
import { compliancePage } from './compliance-page.ts'
import { tlsPage } from './tls-page.ts'

/** What is made from the code, most of it pages: file name, as seen from docs/, to content. */
export function generatedPages(): Record<string, string> {
  return {
    'errors.md': errors(),
    'configuration.md': configuration(),
    'outcomes.md': outcomes(),
    'audit-events.md': auditEventsPage(note),
    'tls.md': tlsPage(note),
    'alarms.md': alarmsPage(note),
    'compliance.md': compliancePage(note),
    '../src/client/types.ts': clientTypes(),
  }
}

const note = '<!-- Made from the code by `npm run docs`. -->'

function errors(): string {
  const codes = Object.keys(errorCatalogue) as ErrorCode[]
  const rows = codes.map(code => {
    const { title, remedy, temporary } = errorCatalogue[code]
    const status = statuses[code]
    return [`<a id="${code}"></a>\`${code}\``, status ?? '', temporary ? 'yes' : '', title, remedy]
  })
  return page(
    'Errors',
    `Every error has a stable code. Over HTTP it is the \`code\` of a problem document (RFC 9457) with this status; on
the command line it is the first word on standard error. *Retry* says whether the same request can succeed later,
unchanged. No error repeats a value that was sent. Codes without a status belong to the command line.`,
    ['Code', 'HTTP', 'Retry', 'What happened', 'What to do'],
    rows,
  )
}

function outcomes(): string {
  const rows = Object.entries(outcomeTable).map(([name, [disposition, meaning]]) => [
    `\`${name satisfies string as Outcome}\``,
    disposition,
    meaning,
  ])
  return page(
    'Outcomes of deliveries',
    `What became of an attempt, and of a delivery when it is settled. After a *temporary* outcome the delivery is tried
again, later each time, until the policy's time is over (\`gave_up\`) or the application's (\`expired\`). What a server said is taken by its reply code and
its enhanced status code (RFC 3463), never by its words; what it said before MAIL FROM is never permanent.`,
    ['Outcome', 'Kind', 'Meaning'],
    rows,
  )
}

function configuration(): string {
  const rows = Object.entries(settings as Record<string, Setting>).map(([name, setting]) => [
    `\`${name}\``,
    setting.default === undefined || setting.default === '' ? '' : `\`${setting.default}\``,
    setting.description,
  ])
  return page(
    'Configuration',
    `All configuration comes from environment variables, read once at start. An unknown \`SEALPOST_\` variable, a
conflict or a value out of range is an error. A secret is never in a variable: the variable names a file.`,
    ['Variable', 'Default', 'Meaning'],
    rows,
  )
}

function page(
  title: string,
  text: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  const table = [line(head), line(head.map(() => '---')), ...rows.map(line)]
  return `${note}\n\n# ${title}\n\n${text}\n\n${table.join('\n')}\n`
}
