const candidate = /(?<![0-9])[0-9](?:[ .\-/]?[0-9]){11,18}(?![0-9])/g

/** Whether the last of these ASCII digits is the check digit of the others (ISO/IEC 7812-1, annex B). */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits.charCodeAt(i) - 48
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return sum % 10 === 0
}

/**
 * Replaces whatever looks like a card number (12 to 19 digits, optionally separated, that pass Luhn) by `[pan]`.
 * The last net under logs, audit fields and SMTP replies; not a detector of card data in messages.
 */
export function scrubPans(text: string): string {
  return text.replace(candidate, match => (passesLuhn(match.replace(/[^0-9]/g, '')) ? '[pan]' : match))
}
