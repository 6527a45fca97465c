import { passesLuhn } from './pan.ts'

/** A card number, the tracks of a card, a card's verification code, a PIN. */
export type CardData = 'pan' | 'track' | 'code' | 'pin'

/**
 * What looks like card data in a short text of ours, such as a field of an audit event; undefined: nothing. Stricter than
 * `scrubPans`: any separators, the digits of any script, a card number with other digits around it, and sensitive
 * authentication data. In linear time. Not a detector of card data in messages.
 */
export function cardDataIn(text: string): CardData | undefined {
  const plain = inAscii(text)
  if (digits.test(plain)) {
    if (track.test(plain)) return 'track'
    if (cardNumberIn(plain)) return 'pan'
  }
  if (!labels.test(plain)) return undefined
  if (code.test(plain)) return 'code'
  if (trackByTag.test(plain)) return 'track'
  return pin.test(plain) ? 'pin' : undefined
}

/** Whether a field of this name would hold card data, whatever its value: `cvv`, `pinBlock`, `track2`. */
export function namesCardData(name: string): boolean {
  const words = inAscii(name)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  return words.some((word, i) => fieldNames.has(word) || fieldNames.has(word + (words[i + 1] ?? '')))
}

const fieldNames = new Set(
  'pan cvv cvv2 cvc cvc2 cav cav2 csc pin pinblock track track1 track2 cardnumber'.split(' '),
)

// Twelve digits at least, whatever stands between them; so that most texts are done with at once.
const digits = /\d(?:[^\d]*\d){11}/
// Up to three characters between two digits, none of them a letter.
const run = /\d(?:[^\p{L}\p{N}]{0,3}\d){11,}/gu
// ISO/IEC 7813, as in ../docs: format code B, number, ^, name, ^, expiry and service code; and number, =, the same.
const track = /B ?\d{12,19} ?\^[^^]{2,26}\^ ?\d{4}|(?<!\d)\d{12,19} ?[=D] ?\d{7}/i
const labels = /c[vas][vc]|cid|pin|9f|tag|secur|verif/i
const code =
  /(?<![a-z0-9])(?:cvv2?|cvc2?|cav2?|cid|csc|card[ _-]?(?:verification|security)[ _-]?(?:code|value|number))(?![a-z0-9])[^a-z0-9]{0,4}(?:(?:is|code|value|number|no)[^a-z0-9]{1,4})?\d{3,4}(?![a-z0-9])/i
const pin =
  /(?<![a-z0-9])pin(?:[ _-]?(?:block|code|number))?(?![a-z0-9])[^a-z0-9]{0,4}(?:is[^a-z0-9]{1,4})?(?:\d{4,12}|[0-9a-f]{16})(?![a-z0-9])/i
// EMV: track 2 and its parts by their tags.
const trackByTag =
  /(?<![a-z0-9])(?:tag[^a-z0-9]{0,3}(?:56|57)|9f1f|9f20)(?![a-z0-9])[^a-z0-9]{0,4}[0-9a-f]{4}/i

function cardNumberIn(text: string): boolean {
  for (const [match] of text.matchAll(run)) {
    const all = match.replace(/\D/g, '')
    if (all.length <= 19 && passesLuhn(all)) return true
    for (let start = 0; start + 13 <= all.length; start++) {
      const rest = all.slice(start, start + 19)
      for (const [issuer, lengths] of issuers) {
        if (!issuer.test(rest)) continue
        if (lengths.some(length => rest.length >= length && passesLuhn(rest.slice(0, length)))) return true
      }
    }
  }
  return false
}

// Where the digits around a number are not known to belong to it, only what an issuer gives out counts.
const issuers: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720))/, [16]],
  [/^3[47]/, [15]],
  [/^3(?:0[0-5]|[689])/, [14]],
  [/^35(?:2[89]|[3-8])/, [16]],
  [/^6(?:011|4[4-9]|5)/, [16, 19]],
  [/^62/, [16, 17, 18, 19]],
  [/^(?:5[0678]|6)/, [16, 19]],
]

/** Compatibility forms undone (NFKC), format characters taken out, the digits of every script as 0 to 9. */
function inAscii(text: string): string {
  if (!/[^\x20-\x7e]/.test(text)) return text
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[^0-9\P{Nd}]/gu, digitOf)
}

/** Decimal digits stand in Unicode as 0 to 9 one after another, beginning where what stands before is none. */
function digitOf(digit: string): string {
  const point = digit.codePointAt(0) ?? 0
  let value = 0
  while (/\p{Nd}/u.test(String.fromCodePoint(point - value - 1))) value++
  return String(value % 10)
}
