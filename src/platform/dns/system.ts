import { lookup, resolveMx, resolveTxt } from 'node:dns/promises'
import type { Dns, DnsAnswer } from './dns.ts'

/** The system's own resolver, hosts file included. It proves nothing: no answer is `secure`, and DANE finds no records. */
export const systemDns: Dns = {
  validates: false,
  addresses: host =>
    answer(host, async () => (await lookup(host, { all: true })).map(({ address }) => address)),
  mx: domain =>
    answer(domain, async () => {
      const found = await resolveMx(domain)
      return found
        .map(({ priority, exchange }) => ({ preference: priority, host: exchange.toLowerCase() }))
        .sort((one, other) => one.preference - other.preference)
    }),
  tlsa: nothing,
  alias: nothing,
  txt: name => answer(name, async () => (await resolveTxt(name)).map(parts => parts.join(''))),
}

function nothing(): Promise<DnsAnswer<never>> {
  return Promise.resolve({ kind: 'none', secure: false, exists: true })
}

async function answer<RecordData>(
  name: string,
  ask: () => Promise<readonly RecordData[]>,
): Promise<DnsAnswer<RecordData>> {
  try {
    const records = await ask()
    if (records.length === 0) return { kind: 'none', secure: false, exists: true }
    return { kind: 'found', secure: false, records, canonical: name.toLowerCase() }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENODATA') return { kind: 'none', secure: false, exists: true }
    return code === 'ENOTFOUND' ? { kind: 'none', secure: false, exists: false } : { kind: 'failed' }
  }
}
