import { BlockList, isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from 'dns-packet'
import { SealpostError } from '../../kernel/index.ts'
import type { Dns, DnsAnswer, MxRecord, TlsaRecord } from './dns.ts'
import { exchange, type Server } from './exchange.ts'
import { inTurn } from './in-turn.ts'
import { isName, plain, type QuestionType } from './message.ts'
import { publicNames, type Tested, type TestNames, testResolver } from './self-test.ts'

export interface ResolverOptions extends Server {
  /** What the test asks for. Default: {@link publicNames}. */
  readonly names?: TestNames
  /** Milliseconds between tests: while it validates, and while it does not. Default: ten minutes and one. */
  readonly testEvery?: { readonly proved: number; readonly unproved: number }
  /** Is told of each test that changed what is known, the first one included. */
  readonly onTested?: (tested: Tested) => void
}

export interface Resolver extends Dns {
  close(): void
}

// Each takes a socket.
const questionsAtOnce = 64

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether nobody can sit between us and a resolver at this address, so that its AD bit means something (RFC 7672 section 2.1.1). */
function isLoopback(address: string): boolean {
  const version = isIP(address)
  return version !== 0 && loopback.check(address, version === 4 ? 'ipv4' : 'ipv6')
}

/**
 * A validating resolver on this host, tested before anything is asked of it and again from time to time. `secure` is its
 * AD bit, but only while the last test that told anything said that it validates. Until there was such a test, what
 * proofs would depend on (MX, TLSA, CNAME) fails: not to know is not a reason to do with less. A test that tells nothing
 * leaves the last word standing. Resolves after the first test; throws `config_invalid` for an address that is not loopback.
 */
export async function openResolver(options: ResolverOptions): Promise<Resolver> {
  const { names = publicNames, testEvery = { proved: 600_000, unproved: 60_000 }, onTested } = options
  if (!isLoopback(options.address)) {
    throw new SealpostError('config_invalid', { detail: 'a resolver must be at a loopback address' })
  }
  let told: Tested | undefined
  const isConclusive = (): boolean => told !== undefined && (told.validates || told.reason !== 'no_answer')
  const validates = (): boolean => told?.validates === true

  const test = async (): Promise<void> => {
    const tested = await testResolver(options, names)
    const tellsNothing = !tested.validates && tested.reason === 'no_answer'
    if (tellsNothing && isConclusive()) return
    const before = told
    told = tested
    if (before === undefined || verdictOf(before) !== verdictOf(tested)) onTested?.(tested)
  }
  const closed = new AbortController()
  const testOn = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      const pause = validates() ? testEvery.proved : testEvery.unproved
      await sleep(pause, undefined, { ref: false, signal: closed.signal })
      await test()
    }
  }

  const turn = inTurn(questionsAtOnce)
  const ask = async <RecordData>(
    name: string,
    type: QuestionType,
    read: (record: Answer) => RecordData | undefined,
  ): Promise<DnsAnswer<RecordData>> => {
    const reply = isName(name) ? await turn(() => exchange(options, { name, type })) : undefined
    if (reply?.kind !== 'answered') return failed
    const secure = reply.authentic && validates()
    const { canonical, exists } = reply
    if (reply.records.length === 0) return { kind: 'none', secure, exists }
    const records = reply.records.map(read).filter(record => record !== undefined)
    return records.length === 0 ? failed : { kind: 'found', secure, records, canonical }
  }
  const askForProof: typeof ask = (...question) =>
    isConclusive() ? ask(...question) : Promise.resolve(failed)

  await test()
  testOn().catch(() => undefined) // Only close() ends it.
  return {
    get validates() {
      return validates()
    },
    async addresses(host) {
      const [four, six] = await Promise.all([ask(host, 'A', textOf), ask(host, 'AAAA', textOf)])
      return bothOf(four, six)
    },
    async mx(domain) {
      const answer = await askForProof(domain, 'MX', mxOf)
      if (answer.kind !== 'found') return answer
      return {
        ...answer,
        records: answer.records.toSorted((one, other) => one.preference - other.preference),
      }
    },
    tlsa: name => askForProof(name, 'TLSA', tlsaOf),
    alias: name => askForProof(name, 'CNAME', aliasOf),
    txt: name => ask(name, 'TXT', txtOf),
    close: () => closed.abort(),
  }
}

const failed = { kind: 'failed' } as const

function verdictOf(tested: Tested): string {
  return tested.validates ? 'validates' : tested.reason
}

/** One failure is a failure of both: what is missing might be what matters. Addresses take turns, IPv4 first. */
function bothOf(four: DnsAnswer<string>, six: DnsAnswer<string>): DnsAnswer<string> {
  if (four.kind === 'failed' || six.kind === 'failed') return failed
  const secure = four.secure && six.secure
  if (four.kind === 'none' && six.kind === 'none') {
    return { kind: 'none', secure, exists: four.exists || six.exists }
  }
  const [some, more] = [four, six].map(answer => (answer.kind === 'found' ? answer.records : []))
  const count = Math.max(some?.length ?? 0, more?.length ?? 0)
  const records = Array.from({ length: count }, (_, at) => [some?.[at], more?.[at]])
    .flat()
    .filter(address => address !== undefined)
  const canonical = four.kind === 'found' ? four.canonical : six.kind === 'found' ? six.canonical : ''
  return { kind: 'found', secure, records, canonical }
}

function textOf(record: Answer): string | undefined {
  return (record.type === 'A' || record.type === 'AAAA') && isIP(record.data) !== 0 ? record.data : undefined
}

function aliasOf(record: Answer): string | undefined {
  return record.type === 'CNAME' && isName(plain(record.data)) ? plain(record.data) : undefined
}

function mxOf(record: Answer): MxRecord | undefined {
  if (record.type !== 'MX') return undefined
  const host = plain(record.data.exchange)
  return host === '' || isName(host) ? { preference: record.data.preference ?? 0, host } : undefined
}

function tlsaOf(record: Answer): TlsaRecord | undefined {
  if (record.type !== 'TLSA') return undefined
  const { usage, selector, matchingType, certificate } = record.data
  return { usage, selector, matchingType, data: certificate.toString('hex') }
}

/** Octets as they are: what is not ASCII fits nothing that is looked for. */
function txtOf(record: Answer): string | undefined {
  if (record.type !== 'TXT') return undefined
  const parts = Array.isArray(record.data) ? record.data : [record.data]
  return parts.map(part => (typeof part === 'string' ? part : part.toString('latin1'))).join('')
}
