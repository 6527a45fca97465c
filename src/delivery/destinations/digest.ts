import { createHash } from 'node:crypto'
import type { DestinationRule } from '../destination.ts'

/** SHA-256 of a rule as canonical JSON (RFC 8785), hex: the same for the same rule, however it was written. */
export function ruleSha256(rule: DestinationRule): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(rule)))
    .digest('hex')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([name, held]) => [name, sorted(held)]))
}
