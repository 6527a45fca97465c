import { namesCardData } from '../kernel/index.ts'
import { cardDataOf } from '../platform/index.ts'

const longestString = 256
/** Whole numbers of at most eleven digits: no card number is as short. */
const largestNumber = 1e11

/**
 * The one JSON text of a plain object: RFC 8785 (names sorted by UTF-16 code units, no spaces, numbers and strings as
 * ECMAScript writes them). Throws a `TypeError`, naming only the place, for what an audit event must not hold: a
 * string of over 256 characters, with a control character or with what looks like card data; a member that is named like card data;
 * a number that is not whole or has over eleven digits; a list whose items are a card number when read together; `undefined`.
 */
export function canonicalJson(value: object): string {
  return write(value, '')
}

function write(value: unknown, place: string): string {
  switch (typeof value) {
    case 'string':
      return writeString(value, place)
    case 'number':
      if (!Number.isSafeInteger(value) || Math.abs(value) >= largestNumber) {
        throw new TypeError(`an audit event holds a fraction or a large number at ${place}`)
      }
      return JSON.stringify(value)
    case 'boolean':
      return JSON.stringify(value)
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return writeList(value, place)
      if (isPlain(value)) return writeObject(value, place)
      break
    default:
  }
  throw new TypeError(`an audit event holds a ${typeof value} at ${place}`)
}

function writeList(list: readonly unknown[], place: string): string {
  const items = list.map((item, index) => write(item, `${place}/${index}`))
  const spread = items.filter(item => digitsOnly.test(item)).join(' ')
  if (spread.length >= 12 && cardDataOf(spread.replaceAll('"', '')) !== undefined) {
    throw new TypeError(`an audit event holds card data at ${place}`)
  }
  return `[${items.join(',')}]`
}

const digitsOnly = /^"?\p{Nd}{1,11}"?$/u

function writeObject(value: object, place: string): string {
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, item]) => `${writeName(name, place)}:${write(item, `${place}/${name}`)}`).join(',')}}`
}

/** Names come from our types; a few hundred. Bounded all the same, for what a cast may bring in. */
const knownNames = new Map<string, string>()
const mostNames = 4096

function writeName(name: string, place: string): string {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  const written = writeString(name, `a name in ${place}`)
  if (namesCardData(name)) throw new TypeError(`an audit event holds card data at a name in ${place}`)
  if (knownNames.size < mostNames) knownNames.set(name, written)
  return written
}

function writeString(text: string, place: string): string {
  if (text.length > longestString) throw new TypeError(`an audit event holds a long string at ${place}`)
  if (/\p{Cc}/u.test(text) || !text.isWellFormed()) {
    throw new TypeError(`an audit event holds a control character at ${place}`)
  }
  if (cardDataOf(text) !== undefined) throw new TypeError(`an audit event holds card data at ${place}`)
  return JSON.stringify(text)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
