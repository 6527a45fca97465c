import type { Dns, DnsAnswer, MxRecord, TlsaRecord } from '../../src/platform/dns/index.ts'

/** Every question by its type and name, and its answer. What is not there does not exist, as `absent` says. */
export type Zones = Readonly<Record<string, DnsAnswer<unknown>>>

export const secure = <RecordData>(...records: RecordData[]): Found<RecordData> => found(true, records)
export const insecure = <RecordData>(...records: RecordData[]): Found<RecordData> => found(false, records)
export const failed = { kind: 'failed' } as const
export const none = (proved: boolean): DnsAnswer<never> => ({ kind: 'none', secure: proved, exists: true })
export const unknown = (proved: boolean): DnsAnswer<never> => ({
  kind: 'none',
  secure: proved,
  exists: false,
})

type Found<RecordData> = Extract<DnsAnswer<RecordData>, { kind: 'found' }>

export function mx(preference: number, host: string): MxRecord {
  return { preference, host }
}

/** A usable record, `3 1 1`, unless told otherwise. */
export function tlsa(fill: string, parts: Partial<TlsaRecord> = {}): TlsaRecord {
  return { usage: 3, selector: 1, matchingType: 1, data: fill.repeat(32), ...parts }
}

/** DNS of these answers, with what was asked of it. */
export function dnsOf(
  zones: Zones,
  absent: DnsAnswer<never> = none(false),
): Dns & { readonly asked: string[] } {
  const asked: string[] = []
  const answer =
    <RecordData>(type: string) =>
    (name: string): Promise<DnsAnswer<RecordData>> => {
      const question = `${type} ${name}`
      asked.push(question)
      const known = (zones[question] ?? absent) as DnsAnswer<RecordData>
      // The canonical name is the one asked for, unless the test has set another.
      return Promise.resolve(
        known.kind === 'found' && known.canonical === '' ? { ...known, canonical: name } : known,
      )
    }
  return {
    asked,
    validates: true,
    addresses: answer('A'),
    mx: answer('MX'),
    tlsa: answer('TLSA'),
    alias: answer('CNAME'),
    txt: answer('TXT'),
  }
}

function found<RecordData>(proved: boolean, records: readonly RecordData[]): Found<RecordData> {
  return { kind: 'found', secure: proved, records, canonical: '' }
}
