/** The moment so many calendar months earlier (UTC); the last day of the month where it has no such day. */
export function monthsBefore(at: Date, months: number): Date {
  const earlier = new Date(at)
  earlier.setUTCMonth(at.getUTCMonth() - months)
  // 31 May less three months would be 3 March.
  if (earlier.getUTCDate() !== at.getUTCDate()) earlier.setUTCDate(0)
  return earlier
}
