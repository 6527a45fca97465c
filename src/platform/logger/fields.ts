/** What a field may hold; anything else is written as `[invalid]`. */
const code = /^[A-Za-z0-9_.:/-]{1,128}$/
const id = /^(?:[a-z]{3}_[0-9a-z]{26}|(?:urn:uuid:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/
const host = /^[A-Za-z0-9_.:%[\]-]{1,255}$/
const hex = /^[0-9A-Fa-f]{1,64}$/

/** Every field that a log line can have. There is none for text. */
const fields = {
  message: id,
  delivery: id,
  application: id,
  recipient: id,
  notice: id,
  webhook: id,
  /** Of one answered request, as told to its client. */
  instance: id,
  code,
  reason: code,
  outcome: code,
  signal: code,
  version: code,
  tlsVersion: code,
  cipher: code,
  group: code,
  host,
  domain: host,
  /** An IP address. */
  peer: host,
  fingerprint: hex,
  certificateSha256: hex,
  attempt: 'number',
  replyCode: 'number',
  count: 'number',
  bytes: 'number',
  port: 'number',
  opsPort: 'number',
  consolePort: 'number',
  publicPort: 'number',
  pid: 'number',
  exitCode: 'number',
  status: 'number',
  durationMs: 'number',
  retryInMs: 'number',
} as const satisfies Record<string, RegExp | 'number'>

/** The fields of one log line: ids, codes, counts, durations, names of hosts. */
export type LogFields = {
  readonly [Name in keyof typeof fields]?:
    | ((typeof fields)[Name] extends 'number' ? number : string)
    | undefined
    | null
}

/** Only known fields of the known form; the types say so already, this holds where a cast lied. */
export function allowedFields(given: LogFields): Record<string, string | number> {
  const allowed: Record<string, string | number> = {}
  for (const [name, form] of Object.entries<RegExp | 'number'>(fields)) {
    const value: unknown = Object.hasOwn(given, name) ? given[name as keyof LogFields] : undefined
    if (value === undefined || value === null) continue
    allowed[name] = isOfForm(value, form) ? value : '[invalid]'
  }
  return allowed
}

function isOfForm(value: unknown, form: RegExp | 'number'): value is string | number {
  if (form === 'number') return typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e11
  return typeof value === 'string' && form.test(value)
}
