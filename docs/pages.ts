import { type Setting, settings } from '../src/config/index.ts'
import { statuses } from '../src/http/problem.ts'
import { type ErrorCode, errorCatalogue } from '../src/kernel/index.ts'

/** The pages of docs/ that are made from the code: file name to content. */
export function generatedPages(): Record<string, string> {
  return { 'errors.md': errors(), 'configuration.md': configuration() }
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
