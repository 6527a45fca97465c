import { hexDigit, hexPair } from './hex.ts'

const backslash = 0x5c
const percent = 0x25
const space = 0x20

/** `\\u0034` of JSON and programs, `%34` of URLs. Latin-1 in and out; other escapes stay. */
export function decodeEscapes(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  let to = 0
  let at = 0
  // In place: what is decoded is never longer.
  const put = (byte: number, length: number): void => {
    bytes[to++] = byte
    at += length
  }
  const putCharacter = (code: number, length: number): void => {
    to += bytes.write(String.fromCodePoint(code), to, 'utf8')
    at += length
  }
  while (at < bytes.length) {
    const byte = bytes[at] as number
    const letter = byte === backslash ? bytes[at + 1] : undefined
    if (byte === percent) {
      // Of a URL each escape is a byte; of a program a character.
      const value = hexPair(bytes, at + 1)
      if (value < 0) put(byte, 1)
      else put(value, 3)
    } else if (letter === 0x2f) put(letter, 2)
    else if (letter === 0x6e || letter === 0x72 || letter === 0x74) put(space, 2)
    else if (letter === 0x78) {
      const value = hexPair(bytes, at + 2)
      if (value < 0) put(byte, 1)
      else putCharacter(value, 4)
    } else if (letter === 0x75) {
      const [code, length] = unicodeAt(bytes, at + 2)
      if (code < 0) put(byte, 1)
      else putCharacter(code, 2 + length)
    } else put(byte, 1)
  }
  return bytes.toString('latin1', 0, to)
}

/** What stands behind `\\u`, four digits or some in braces, and how long it is; -1: no character. */
function unicodeAt(bytes: Uint8Array, at: number): readonly [code: number, length: number] {
  const braced = bytes[at] === 0x7b
  const most = braced ? 6 : 4
  let code = 0
  let digits = 0
  for (let i = braced ? at + 1 : at; digits < most; digits++, i++) {
    const value = hexDigit(bytes, i)
    if (value < 0) break
    code = code * 16 + value
  }
  const whole = braced ? digits > 0 && bytes[at + 1 + digits] === 0x7d : digits === 4
  if (!whole || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return [-1, 0]
  return [code, braced ? digits + 2 : digits]
}
