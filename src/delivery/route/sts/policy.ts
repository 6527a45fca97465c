/** What a domain says of its mail servers (RFC 8461 section 3.2). */
export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none'
  /** Host names in lower case; the first label may be `*`. Empty only in mode `none`. */
  readonly mx: readonly string[]
  /** Seconds for which it may be kept, at most a year. */
  readonly maxAge: number
}

// RFC 8461 section 3.2: what is longer is not valid. A year is what we keep at most.
const year = 31_557_600
// Real policies have one to five. More of them is no policy but a way to make us compare.
const patternsPerPolicy = 100
// Twice the longest name. Extensions that need more are not worth what long lines cost to read.
const lineLength = 512

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const pattern = new RegExp(String.raw`^(?=.{1,255}$)(?:\*\.)?${label}(?:\.${label})*$`)
const field = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:[ \t]*(.*?)[ \t]*$/

/**
 * A policy from its text, or undefined when it is not one: then there is none. Lines are split, not guessed at: what is
 * not `name: value` makes the whole text no policy. Of a field that is repeated the first counts, as RFC 8461 says, but
 * each `mx` does; unknown fields are passed over.
 */
export function parsePolicy(bytes: Uint8Array): StsPolicy | undefined {
  const text = decode(bytes)
  if (text === undefined) return undefined
  const fields = new Map<string, string>()
  const mx: string[] = []
  for (const line of text.replace(/(?:\r?\n)+$/, '').split(/\r?\n/)) {
    const [, name, value] = line.length > lineLength ? [] : (field.exec(line) ?? [])
    if (name === undefined || value === undefined) return undefined
    // The first field is the version, so that whatever another version means is not read with our eyes.
    if (fields.size === 0 && mx.length === 0 && (name !== 'version' || value !== 'STSv1')) return undefined
    if (name === 'mx') mx.push(value.toLowerCase())
    else if (!fields.has(name)) fields.set(name, value)
  }
  const mode = fields.get('mode')
  const maxAge = fields.get('max_age')
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined
  if (maxAge === undefined || !/^[0-9]{1,10}$/.test(maxAge)) return undefined
  if (mx.length > patternsPerPolicy || !mx.every(name => pattern.test(name))) return undefined
  if (mode !== 'none' && mx.length === 0) return undefined
  return { mode, mx, maxAge: Math.min(Number(maxAge), year) }
}

/** Whether a policy names that host (lower case): exactly, or by `*.` in place of exactly one label (section 4.1). */
export function namesHost({ mx }: Pick<StsPolicy, 'mx'>, host: string): boolean {
  const parent = host.slice(host.indexOf('.') + 1)
  return mx.some(name =>
    name.startsWith('*.') ? host.includes('.') && name.slice(2) === parent : name === host,
  )
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
