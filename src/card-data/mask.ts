import { newGroups, readGroups } from './groups.ts'
import type { Pan } from './pans.ts'

/** A card number for people to recognise: at most its first six and last four digits (PCI DSS 3.4.1). `bytes`: those that it was found in. */
export function mask(bytes: Uint8Array, { offset, end }: Pan): string {
  const groups = newGroups(end - offset)
  readGroups(bytes, offset, end, groups)
  const digits = [...groups.digits.subarray(0, groups.first[groups.count])]
  // Zeros that fill up a field belong to no card number.
  while (digits[0] === 0) digits.shift()
  const head = digits.length >= 16 ? 6 : digits.length >= 14 ? 5 : 4
  return digits.map((digit, i) => (i < head || i >= digits.length - 4 ? String(digit) : '*')).join('')
}
