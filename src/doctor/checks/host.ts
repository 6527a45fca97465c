import { readFileSync, statfsSync } from 'node:fs'
import { assertSafeEnvironment, softCoreLimit } from '../../platform/index.ts'
import { encryptedClientHello } from '../../platform/tls/index.ts'
import { type Check, fail, ok, type Verdict, warn } from '../check.ts'

export interface HostFacts {
  readonly env: NodeJS.ProcessEnv
  readonly execArgv: readonly string[]
  readonly node: string
}

/** This host and the Node that runs us. */
export function hostChecks({ env, execArgv, node }: HostFacts): readonly Check[] {
  return [
    {
      name: 'environment',
      run() {
        assertSafeEnvironment(env, execArgv, () => '0')
        return ok('nothing in it weakens TLS or lets memory out')
      },
    },
    { name: 'core-limit', run: () => coreLimit(softCoreLimit()) },
    { name: 'node-release', run: () => nodeRelease(node) },
    { name: 'swap', run: () => swap(readFileSync('/proc/swaps', 'utf8')) },
    { name: 'disk', run: () => disk(statfsSync('/')) },
    { name: 'encrypted-client-hello', run: () => clientHello(encryptedClientHello()) },
  ]
}

function coreLimit(limit: string): Verdict {
  return limit === '0'
    ? ok('no core files')
    : fail(
        `core files are allowed (${limit}); one would hold keys and card numbers`,
        'Start with ulimit -c 0.',
      )
}

// The first releases with the fixes of October 2026: host names in certificates, NUL in DNS answers, Brotli.
const patched: Readonly<Record<number, readonly [number, number]>> = { 24: [22, 1], 26: [12, 1] }

/** Whether this Node has the newest security release that this version of ours knows of. */
export function nodeRelease(version: string): Verdict {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const needed = patched[major]
  if (needed === undefined) {
    return major > Math.max(...Object.keys(patched).map(Number))
      ? ok(`Node ${version}, newer than any release that this version knows`)
      : fail(`Node ${version} gets no security releases any more`, 'Run the container image, or Node 26.')
  }
  const [leastMinor, leastPatch] = needed
  if (minor > leastMinor || (minor === leastMinor && patch >= leastPatch)) return ok(`Node ${version}`)
  return warn(
    `Node ${version} is behind the security release of October 2026 (${major}.${leastMinor}.${leastPatch}: TLS host names, NUL in DNS answers, Brotli)`,
    'Run the container image, whose Node is patched. Against what is open here: names in certificates are compared by OpenSSL, not by Node; no request is decompressed.',
  )
}

/** @param swaps the content of /proc/swaps */
export function swap(swaps: string): Verdict {
  const used = swaps
    .split('\n')
    .slice(1)
    .flatMap(line => line.split(/\s/, 1)[0] || [])
  return used.length === 0
    ? ok('no swap')
    : warn(`memory can reach a disk: ${used.join(', ')}`, 'Encrypt the swap of this host, or turn it off.')
}

export function disk({ bavail, blocks }: { readonly bavail: number; readonly blocks: number }): Verdict {
  const free = blocks === 0 ? 100 : Math.floor((bavail / blocks) * 100)
  const found = `${free} % of this host's disk is free`
  if (free >= 10) return ok(found)
  const remedy = 'Make room. When PostgreSQL has none, nothing is accepted and nothing is sent.'
  return free < 2 ? fail(found, remedy) : warn(found, remedy)
}

function clientHello(support: ReturnType<typeof encryptedClientHello>): Verdict {
  return support === 'unsupported'
    ? ok('this Node has no Encrypted Client Hello; docs/deployment.md says how to put it in front')
    : warn(
        'this Node has an API for Encrypted Client Hello, which we do not use yet',
        'Look for a newer version.',
      )
}
