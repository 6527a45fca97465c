/** What a spreadsheet may take for the beginning of a formula (OWASP, CSV injection), also in full width. */
const formula = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/

/**
 * One line of CSV (RFC 4180), quoted always. A value that a spreadsheet would take for a formula, such as an address that
 * begins with `=`, gets a `'` before it.
 */
export function csvLine(values: readonly string[]): string {
  return `${values.map(quoted).join(',')}\r\n`
}

function quoted(value: string): string {
  const inert = formula.test(value) ? `'${value}` : value
  return `"${inert.replaceAll('"', '""')}"`
}
