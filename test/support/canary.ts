import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** A published test number of Visa's, and words that occur nowhere else. */
export const canaryPan = '4012888888881881'
export const canaryWords = 'zymurgy-quincunx'

/** Every form in which a secret can lie about, by name. Case matters but where both cases are listed. */
export function encodingsOf(secret: string): Readonly<Record<string, readonly Buffer[]>> {
  const bytes = Buffer.from(secret)
  const hex = bytes.toString('hex')
  return {
    raw: [bytes],
    base64: [0, 1, 2].map(shift => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
      // What depends on the neighbours goes: the first characters by the shift, the last ones by what follows.
      const whole = Math.floor(((shift + bytes.length) * 8) / 6)
      return Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, whole))
    }),
    hex: [Buffer.from(hex), Buffer.from(hex.toUpperCase())],
    'quoted-printable': [Buffer.from(hex.toUpperCase().replace(/../g, '=$&'))],
    'percent-encoded': [Buffer.from(hex.replace(/../g, '%$&'))],
    'UTF-16': [Buffer.from(secret, 'utf16le'), Buffer.from(secret, 'utf16le').swap16()],
    'JSON escapes': [Buffer.from(Array.from(secret, c => `\\u00${Buffer.from(c).toString('hex')}`).join(''))],
    separated:
      secret === canaryPan
        ? [' ', '-', '.'].map(s => Buffer.from(secret.replace(/.{4}(?=.)/g, `$&${s}`)))
        : [],
  }
}

const needles = [canaryPan, canaryWords].flatMap(secret =>
  Object.entries(encodingsOf(secret)).flatMap(([name, forms]) =>
    forms.map(form => ({ name: `${secret} as ${name}`, form })),
  ),
)

/** What of the canaries these bytes hold. */
export function canariesIn(bytes: Buffer): string[] {
  return needles.filter(({ form }) => bytes.includes(form)).map(({ name }) => name)
}

/** All files below a directory that hold a canary, in their content or their name; and how many files there were. */
export function searchFiles(directory: string): { readonly found: string[]; readonly files: number } {
  const found: string[] = []
  let files = 0
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, entry)
    found.push(...canariesIn(Buffer.from(entry)).map(name => `${path}: name: ${name}`))
    if (!lstatSync(path).isFile()) continue
    files++
    found.push(...canariesIn(readFileSync(path)).map(name => `${path}: ${name}`))
  }
  return { found, files }
}

/** Ordinary files that a process has open for writing, deleted ones included. Pipes, sockets and devices are none. */
export function filesOpenForWriting(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`)
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0'
      const writable = (Number.parseInt(flags, 8) & 3) !== 0
      return writable && target.startsWith('/') && !target.startsWith('/dev/') ? [target] : []
    } catch {
      return [] // It was closed since.
    }
  })
}
