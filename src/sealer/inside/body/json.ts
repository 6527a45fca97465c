import { isUtf8 } from 'node:buffer'

/** What {@link parseJson} makes of a document. Numbers carry no value: no field of a message is a number. */
export type Json =
  | { readonly kind: 'text'; readonly utf8: Uint8Array }
  | { readonly kind: 'list'; readonly items: readonly Json[] }
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, Json> }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number' | 'null' }

/** Why a document is not acceptable JSON. Never says what stood there. */
export class JsonRefused extends Error {
  readonly code: 'encoding' | 'syntax' | 'duplicate_key' | 'lone_surrogate' | 'too_deep' | 'too_many_values'

  constructor(code: JsonRefused['code']) {
    super(code)
    this.code = code
  }
}

const maxDepth = 16
/** Bounds the heap: 25 MB of `[[],[],…` would otherwise become millions of objects. */
const maxValues = 4096

const quote = 0x22
const backslash = 0x5c

/**
 * Parses one JSON document (RFC 8259) strictly: valid UTF-8, no byte order mark, no duplicate keys (compared after
 * unescaping), no lone surrogates, bounded depth and count. One pass, linear.
 *
 * It exists because `JSON.parse` keeps the last of two duplicate keys silently and makes a string (two bytes a
 * character, impossible to wipe) of every attachment. Here strings stay views of `bytes`, unescaped **in place**:
 * the content of `bytes` is overwritten, and wiping `bytes` wipes every text.
 */
export function parseJson(bytes: Uint8Array): Json {
  if (!isUtf8(bytes)) throw new JsonRefused('encoding')
  let at = 0
  let values = 0

  const root = parseValue(0)
  skipSpace()
  if (at !== bytes.length) throw new JsonRefused('syntax')
  return root

  function parseValue(depth: number): Json {
    if (depth > maxDepth) throw new JsonRefused('too_deep')
    if (++values > maxValues) throw new JsonRefused('too_many_values')
    skipSpace()
    switch (bytes[at]) {
      case quote:
        return { kind: 'text', utf8: parseText() }
      case 0x7b:
        return parseObject(depth)
      case 0x5b:
        return parseList(depth)
      case 0x74:
        parseWord('true')
        return { kind: 'boolean', value: true }
      case 0x66:
        parseWord('false')
        return { kind: 'boolean', value: false }
      case 0x6e:
        parseWord('null')
        return { kind: 'null' }
      default:
        return parseNumber()
    }
  }

  function parseObject(depth: number): Json {
    const members = new Map<string, Json>()
    at++
    skipSpace()
    if (bytes[at] === 0x7d) {
      at++
      return { kind: 'object', members }
    }
    for (;;) {
      skipSpace()
      if (bytes[at] !== quote) throw new JsonRefused('syntax')
      const key = utf8ToString(parseText())
      if (members.has(key)) throw new JsonRefused('duplicate_key')
      skipSpace()
      expect(0x3a)
      members.set(key, parseValue(depth + 1))
      skipSpace()
      if (bytes[at] === 0x7d) break
      expect(0x2c)
    }
    at++
    return { kind: 'object', members }
  }

  function parseList(depth: number): Json {
    const items: Json[] = []
    at++
    skipSpace()
    if (bytes[at] === 0x5d) {
      at++
      return { kind: 'list', items }
    }
    for (;;) {
      items.push(parseValue(depth + 1))
      skipSpace()
      if (bytes[at] === 0x5d) break
      expect(0x2c)
    }
    at++
    return { kind: 'list', items }
  }

  function parseWord(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (bytes[at + i] !== word.charCodeAt(i)) throw new JsonRefused('syntax')
    }
    at += word.length
  }

  function parseNumber(): Json {
    if (bytes[at] === 0x2d) at++
    if (bytes[at] === 0x30) at++
    else digits()
    if (bytes[at] === 0x2e) {
      at++
      digits()
    }
    if (((bytes[at] ?? 0) | 0x20) === 0x65) {
      at++
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
      digits()
    }
    return { kind: 'number' }
  }

  function digits(): void {
    const start = at
    while (isDigit(bytes[at])) at++
    if (at === start) throw new JsonRefused('syntax')
  }

  /** From the opening quote past the closing one; unescapes in place, which never needs more room than it frees. */
  function parseText(): Uint8Array {
    const start = ++at
    for (;;) {
      const byte = bytes[at]
      if (byte === undefined || byte < 0x20) throw new JsonRefused('syntax')
      if (byte === quote) return bytes.subarray(start, at++)
      if (byte === backslash) break
      at++
    }
    let to = at
    for (;;) {
      const byte = bytes[at]
      if (byte === undefined || byte < 0x20) throw new JsonRefused('syntax')
      if (byte === quote) {
        at++
        return bytes.subarray(start, to)
      }
      if (byte === backslash) to = unescape(to)
      else {
        bytes[to++] = byte
        at++
      }
    }
  }

  function unescape(to: number): number {
    const letter = bytes[at + 1]
    if (letter === 0x75) {
      const first = hexUnit(at + 2)
      at += 6
      if (first >= 0xdc00 && first <= 0xdfff) throw new JsonRefused('lone_surrogate')
      if (first < 0xd800 || first > 0xdbff) return writeUtf8(first, to)
      if (bytes[at] !== backslash || bytes[at + 1] !== 0x75) throw new JsonRefused('lone_surrogate')
      const second = hexUnit(at + 2)
      if (second < 0xdc00 || second > 0xdfff) throw new JsonRefused('lone_surrogate')
      at += 6
      return writeUtf8(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), to)
    }
    const meaning = letter === undefined ? undefined : escapes.get(letter)
    if (meaning === undefined) throw new JsonRefused('syntax')
    at += 2
    bytes[to] = meaning
    return to + 1
  }

  function hexUnit(from: number): number {
    let unit = 0
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(bytes[from + i])
      if (digit < 0) throw new JsonRefused('syntax')
      unit = unit * 16 + digit
    }
    return unit
  }

  function writeUtf8(point: number, to: number): number {
    if (point < 0x80) {
      bytes[to] = point
      return to + 1
    }
    const tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
    bytes[to] = (tail === 1 ? 0xc0 : tail === 2 ? 0xe0 : 0xf0) | (point >> (6 * tail))
    for (let i = 1; i <= tail; i++) bytes[to + i] = 0x80 | ((point >> (6 * (tail - i))) & 0x3f)
    return to + tail + 1
  }

  function skipSpace(): void {
    for (;;) {
      const byte = bytes[at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return
      at++
    }
  }

  function expect(byte: number): void {
    if (bytes[at] !== byte) throw new JsonRefused('syntax')
    at++
  }
}

/** A short text as a string. Strings cannot be wiped: only what goes into headers and metadata is made one. */
export function utf8ToString(utf8: Uint8Array): string {
  return Buffer.from(utf8.buffer, utf8.byteOffset, utf8.byteLength).toString('utf8')
}

const escapes = new Map<number, number>([
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
])

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
