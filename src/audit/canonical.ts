import { scrub } from '../platform/index.ts'

const longestString = 256

/**
 * The one JSON text of a plain object: RFC 8785 (names sorted by UTF-16 code units, no spaces, numbers and strings as
 * ECMAScript writes them). Throws a `TypeError`, naming only the place, for what an audit event must not hold: a
 * string of over 256 characters, with a control character or with what looks like a card number, a number that is
 * not finite, `undefined`.
 */
export function canonicalJson(value: object): string {
  return write(value, '')
}

function write(value: unknown, place: string): string {
  if (value === null || typeof value === 'boolean') return JSON.stringify(value)
  if (typeof value === 'string') return writeString(value, place)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (Array.isArray(value)) {
    return `[${value.map((item: unknown, index) => write(item, `${place}/${index}`)).join(',')}]`
  }
  if (typeof value === 'object' && isPlain(value)) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([name, item]) => `${writeString(name, place)}:${write(item, `${place}/${name}`)}`).join(',')}}`
  }
  throw new TypeError(`an audit event holds a ${typeof value} at ${place}`)
}

function writeString(text: string, place: string): string {
  if (text.length > longestString) throw new TypeError(`an audit event holds a long string at ${place}`)
  if (/\p{Cc}/u.test(text) || !text.isWellFormed()) {
    throw new TypeError(`an audit event holds a control character at ${place}`)
  }
  if (scrub(text) !== text) throw new TypeError(`an audit event holds a card number at ${place}`)
  return JSON.stringify(text)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
