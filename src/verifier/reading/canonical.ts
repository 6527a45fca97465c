/**
 * Whether this is the one JSON text of an object (RFC 8785): names sorted by UTF-16 code units and each once, no spaces, numbers and
 * strings as ECMAScript writes them. So an event has one reading, whatever program reads it.
 */
export function isCanonicalObject(text: string): boolean {
  try {
    return text.startsWith('{') && write(JSON.parse(text)) === text
  } catch {
    // Not JSON, or nested deeper than the stack.
    return false
  }
}

function write(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`).join(',')}}`
}
