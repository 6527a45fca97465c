/** What a character is between and within digits. 0 to 9: a digit of that value. */
export const space = 10
const dash = 11
export const dot = 12
const slash = 13
/** Other marks that people put between groups of digits. */
const mark = 14
export const newline = 15
/** Takes no room: joins what stands on both sides of it. */
export const invisible = 16
export const other = 17
/** ASCII letters. */
export const letter = 18

/** Of each byte below 128. */
export const ascii = Uint8Array.from({ length: 128 }, (_, code) => classOfAscii(String.fromCharCode(code)))

function classOfAscii(char: string): number {
  if (/[0-9]/.test(char)) return Number(char)
  if (/[A-Za-z]/.test(char)) return letter
  if (char === ' ' || char === '\t') return space
  if (char === '-') return dash
  if (char === '.') return dot
  if (char === '/' || char === '\\') return slash
  if (char === '\n' || char === '\r') return newline
  return /[_:|*~+]/.test(char) ? mark : other
}

let wide: Uint8Array | undefined

/**
 * Of any code point: decimal digits of every script by their value (general category Nd; also what NFKC makes a digit,
 * such as circled ones), spaces, dashes, dots and slashes in all their forms, and what is invisible.
 */
export function classOf(code: number): number {
  wide ??= Uint8Array.from({ length: 0x20000 }, (_, each) => classOfWide(each))
  return wide[code] ?? (code >= 0xe0000 && code <= 0xe0fff ? invisible : other)
}

function classOfWide(code: number): number {
  if (code < 128) return ascii[code] as number
  if (code >= 0xd800 && code <= 0xdfff) return other
  const char = String.fromCodePoint(code)
  if (/\p{Nd}/u.test(char)) return digitValue(code)
  if (/[\p{Cf}\p{Mn}\p{Me}\ufe00-\ufe0f]/u.test(char)) return invisible
  if (/\p{Zs}/u.test(char)) return space
  if (/[\p{Zl}\p{Zp}\u0085]/u.test(char)) return newline
  if (/[\p{Pd}\u2212\u00ac\u30fc]/u.test(char)) return dash
  if (/[\u2044\u2215\u29f8\uff0f]/u.test(char)) return slash
  if (/[\u00b7\u2022\u2219\u22c5\u2024\u3002\uff0e\u30fb]/u.test(char)) return dot
  const folded = char.normalize('NFKC')
  if (/^[0-9]$/.test(folded)) return Number(folded)
  if (/^[A-Za-z]$/.test(folded)) return letter
  return other
}

/** Digits of a script stand in a row of ten, from zero to nine; each row but these begins at a multiple of 2 with a zero. */
function digitValue(code: number): number {
  // Mathematical digits: five rows without a gap.
  if (code >= 0x1d7ce && code <= 0x1d7ff) return (code - 0x1d7ce) % 10
  let zero = code
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--
  return (code - zero) % 10
}
