const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

/** `3 May 2027`. Written here: what `Intl` says may change with Node, and a retry sends the same bytes. */
export function day(at: Date): string {
  return `${at.getUTCDate()} ${months[at.getUTCMonth()] ?? ''} ${at.getUTCFullYear()}`
}

/** `3 May 2027, 14:05 UTC`. */
export function moment(at: Date): string {
  return `${day(at)}, ${at.toISOString().slice(11, 16)} UTC`
}

/** A fingerprint in groups of four. */
export function grouped(fingerprint: string): string {
  return fingerprint.replace(/(.{4})(?=.)/g, '$1 ')
}

export function inDays(days: number): string {
  if (days === 0) return 'today'
  return days === 1 ? 'in one day' : `in ${days} days`
}
