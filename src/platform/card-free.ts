import { isIP } from 'node:net'
import { type CardData, cardDataIn } from '../kernel/index.ts'

/**
 * What looks like card data in a text that may go into the audit log; undefined: nothing. Our own ids, digests,
 * fingerprints, salts, UUIDs, times and IP addresses hold none, whatever their digits are: else one event in some hundreds would be
 * refused by chance.
 */
export function cardDataOf(text: string): CardData | undefined {
  return isTechnical(text) ? undefined : cardDataIn(text)
}

/** A name that was chosen elsewhere, such as that of a mail server, or `[withheld]` where it would be refused as part of an event. */
export function withheldIfCard(name: string): string {
  const fits = name.length <= 256 && !/\p{Cc}/u.test(name) && name.isWellFormed()
  return fits && cardDataOf(name) === undefined ? name : '[withheld]'
}

const id = /^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$/
const lowerHex = /^[0-9a-f]+$/
const upperHex = /^[0-9A-F]+$/
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** The date and the time of day as the id of an MTA-STS policy has them most often; no issuer gives out 20 at the front. */
const stamp = /^20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?Z?$/
/** A TLSA record as in the evidence of an attempt: usage, selector, matching type, the start of its data. */
const tlsa = /^[0-3] [01] [0-2] [0-9a-f]{1,64}$/

/** By the exact form of the whole text; nothing that card data could be part of. */
function isTechnical(text: string): boolean {
  return ofItsLength(text) || isIP(text) !== 0 || tlsa.test(text) || stamp.test(text)
}

function ofItsLength(text: string): boolean {
  switch (text.length) {
    case 24:
      return time.test(text)
    case 30:
      return id.test(text)
    case 32:
      return lowerHex.test(text)
    case 36:
      return uuid.test(text)
    case 40:
    case 64:
      return lowerHex.test(text) || upperHex.test(text)
    default:
      return false
  }
}
