import { inflateSync } from 'node:zlib'
import { latin, NotUnderstood, type Walked } from './walk.ts'

/** No value that is read as a text is longer. */
const longest = 1_000_000

/** The text of a value of a dictionary; empty when it has none of this name. */
export function textOfKey(bytes: Buffer, { top }: Walked, key: string): string {
  const span = top.get(key)
  if (span === undefined) return ''
  if (span[1] - span[0] > longest) throw new NotUnderstood()
  return latin(bytes, ...span)
}

/** The filters of a stream, outermost first. */
export function filtersOf(bytes: Buffer, walked: Walked): string[] {
  const text = textOfKey(bytes, walked, 'Filter')
  if (/\d\s+R/.test(text) || text.includes('#')) throw new NotUnderstood()
  return Array.from(text.matchAll(/\/(\w+)/g), ([, name = '']) => name)
}

/**
 * What a stream of cross-references or objects holds (ISO 32000-1 section 7.4.4): as it is, or deflated, with or without a predictor.
 * @param budget what all of them together may still unpack to
 */
export function decodeStream(
  bytes: Buffer,
  walked: Walked,
  content: Buffer,
  budget: { left: number },
): Buffer {
  const filters = filtersOf(bytes, walked)
  if (filters.length === 0) return content
  if (filters.length > 1 || filters[0] !== 'FlateDecode') throw new NotUnderstood()
  const plain = inflate(content, budget)
  const parameters = textOfKey(bytes, walked, 'DecodeParms')
  const predictor = numberIn(parameters, 'Predictor', 1)
  if (predictor === 1) return plain
  if (
    predictor < 10 ||
    numberIn(parameters, 'Colors', 1) !== 1 ||
    numberIn(parameters, 'BitsPerComponent', 8) !== 8
  )
    throw new NotUnderstood()
  return unpredict(plain, numberIn(parameters, 'Columns', 1))
}

const numberIn = (text: string, key: string, otherwise: number): number =>
  Number(new RegExp(`/${key}\\s+(\\d{1,9})`).exec(text)?.[1] ?? otherwise)

/** At most what `budget` has left. */
export function inflate(content: Buffer, budget: { left: number }): Buffer {
  try {
    const plain = inflateSync(content, { maxOutputLength: Math.max(budget.left, 1) })
    budget.left -= plain.length
    return plain
  } catch {
    throw new NotUnderstood()
  }
}

/** Rows of one byte that names the filter, and `columns` of data (PNG section 9.2). */
function unpredict(rows: Buffer, columns: number): Buffer {
  const count = Math.floor(rows.length / (columns + 1))
  const out = Buffer.alloc(count * columns)
  for (let row = 0; row < count; row++) {
    const filter = rows[row * (columns + 1)]
    for (let i = 0; i < columns; i++) {
      const at = row * columns + i
      const left = i > 0 ? (out[at - 1] ?? 0) : 0
      const up = row > 0 ? (out[at - columns] ?? 0) : 0
      const corner = i > 0 && row > 0 ? (out[at - columns - 1] ?? 0) : 0
      out[at] = (rows[row * (columns + 1) + 1 + i] ?? 0) + predicted(filter, left, up, corner)
    }
  }
  return out
}

function predicted(filter: number | undefined, left: number, up: number, corner: number): number {
  if (filter === 0) return 0
  if (filter === 1) return left
  if (filter === 2) return up
  if (filter === 3) return (left + up) >> 1
  if (filter !== 4) throw new NotUnderstood()
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}
