import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SealpostError } from '../../kernel/index.ts'
import type { CertificateVerdict } from '../protocol.ts'

/** Whether the private key to this modulus (upper-case hex) is published. */
export interface WeakRsaList {
  /** How many moduli it knows. */
  readonly size: number
  has(modulus: string): boolean
}

const shipped = fileURLToPath(new URL('../../../keys-policy/weak-rsa/', import.meta.url))
const entry = 8

let installed: WeakRsaList | undefined

/** The lists in `keys-policy/weak-rsa/`, read once. None, when there is no such directory. */
export function installedWeakRsaList(): WeakRsaList {
  return (installed ??= readWeakRsaLists(shipped))
}

/**
 * Reads every file of a directory in a form of Debian's openssl-blacklist. Installed: one line a key, the last 80 bits of
 * the SHA-1 of `Modulus=<HEX>` and a line feed, in hex; `#` starts a comment. Source: the whole SHA-1 as fifth field. 64 of those bits are kept, sorted: 8 octets a
 * key. Throws `config_invalid` on a line of another form, so that a list is never half used.
 */
export function readWeakRsaLists(directory: string): WeakRsaList {
  const digests = filesOf(directory).flatMap(file =>
    readFileSync(file, 'latin1')
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => {
        const digest = /^(?:\S+ \S+ \S+ \S+ [0-9a-f]{20})?([0-9a-f]{20})(?: |$)/.exec(line)?.[1]
        if (digest === undefined) {
          throw new SealpostError('config_invalid', { detail: `not a list of weak keys: ${file}` })
        }
        return digest.slice(0, 2 * entry)
      }),
  )
  const sorted = Buffer.from([...new Set(digests)].sort().join(''), 'hex')
  return { size: sorted.length / entry, has: modulus => includes(sorted, digestOf(modulus)) }
}

/** The verdict, or its refusal when a key of the certificate is on the list. */
export function withoutWeakRsa(verdict: CertificateVerdict, list: WeakRsaList): CertificateVerdict {
  if (!verdict.rsaModuli.some(modulus => list.has(modulus))) return verdict
  return {
    ...verdict,
    verdict: 'reject',
    reasons: ['rsa_debian_weak'],
    rsaModuli: [],
    certifiedByGiven: false,
  }
}

function filesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter(name => !name.startsWith('.') && !name.endsWith('.md'))
      .map(name => `${directory}/${name}`)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function digestOf(modulus: string): Buffer {
  return createHash('sha1')
    .update(`Modulus=${modulus}\n`)
    .digest()
    .subarray(10, 10 + entry)
}

function includes(sorted: Buffer, digest: Buffer): boolean {
  let [low, high] = [0, sorted.length / entry]
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = sorted.compare(digest, 0, entry, middle * entry, (middle + 1) * entry)
    if (order === 0) return true
    if (order < 0) low = middle + 1
    else high = middle
  }
  return false
}
