import { isIP } from 'node:net'
import { scrubPans } from '../kernel/index.ts'

/** IPv4 addresses, salts, SHA-256 digests, fingerprints, UUIDs and our own ids: digits of theirs often pass Luhn by chance. */
const technical =
  /(?<![\w.-])((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{32}|[0-9a-f]{64}|[0-9A-F]{64}|[0-9A-F]{40}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{3}_[0-9a-z]{26})(?![\w.-])/

/** `scrubPans`, sparing those technical tokens: a log that hides one address in a hundred misleads. */
export function scrub(text: string): string {
  return text
    .split(technical)
    .map((part, index) =>
      index % 2 === 1 && (!/^[\d.]+$/.test(part) || isIP(part) !== 0) ? part : scrubPans(part),
    )
    .join('')
}
