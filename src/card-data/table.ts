import type { Sad } from './sad.ts'

const codeColumn =
  /^(?:(?:card ?)?(?:cvv|cvc|cvn|cvp|csc|cav|cvd|cid)2?(?:[ _-]?(?:code|value|number|no\.?))?|(?:card ?)?(?:security|verification|validation)[ _-]?(?:code|value|number)|pr(?:\xc3\xbc|u|ue)f(?:nummer|ziffer)|cryptogramme)$/i
const pinColumn = /^(?:pin|pin[ _-]?(?:code|number))$/i

/** How many lines may stand before the heading of a table. */
const preamble = 20

/**
 * Security codes and PINs in a column of a table (CSV, TSV, or a table of a document read as such), whose label stands only in the
 * heading. The place is that of the first value. Linear.
 */
export function findInTable(bytes: Buffer): Sad[] {
  const found: Sad[] = []
  if (!bytes.includes(10)) return found
  let at = 0
  let columns: Column[] = []
  let delimiter = ','
  for (let line = 0; at < bytes.length && (line < preamble || columns.length > 0); line++) {
    const newline = bytes.indexOf(10, at)
    const end = newline < 0 ? bytes.length : newline
    if (end - at <= 16_384) {
      const text = bytes.toString('latin1', at, end)
      if (columns.length === 0) {
        ;({ delimiter, columns } = heading(text))
      } else {
        const cells = cellsOf(text, delimiter)
        for (const { kind, index } of columns) {
          if (/^\d{3,4}$/.test(cells[index] ?? '')) found.push({ kind, offset: at })
        }
        columns = columns.filter(({ kind }) => !found.some(sad => sad.kind === kind))
        if (columns.length === 0) return found
      }
    }
    at = end + 1
  }
  return found
}

interface Column {
  readonly kind: Sad['kind']
  readonly index: number
}

function heading(text: string): { delimiter: string; columns: Column[] } {
  for (const delimiter of [',', ';', '\t', '|']) {
    const cells = cellsOf(text, delimiter)
    if (cells.length < 2) continue
    const columns = cells.flatMap((cell, index): Column[] =>
      codeColumn.test(cell)
        ? [{ kind: 'card_verification_code', index }]
        : pinColumn.test(cell)
          ? [{ kind: 'pin', index }]
          : [],
    )
    if (columns.length > 0) return { delimiter, columns }
  }
  return { delimiter: ',', columns: [] }
}

const cellsOf = (text: string, delimiter: string): string[] =>
  text.split(delimiter).map(cell => cell.replaceAll(/^[\s"'=]+|[\s"']+$/g, ''))
