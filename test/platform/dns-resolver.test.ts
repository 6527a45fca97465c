import type { Answer } from 'dns-packet'
import { afterEach, describe, expect, test } from 'vitest'
import {
  openResolver,
  type Resolver,
  type ResolverOptions,
  type Tested,
  testResolver,
} from '../../src/platform/dns/index.ts'
import {
  type Answering,
  asksUnchecked,
  type DnsServer,
  type Query,
  type ReplyParts,
  reply,
  startDns,
} from '../support/dns-server.ts'

const names = { signed: ['signed.test'], bogus: ['bogus.test'] }
const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

/** Answers the self-test as one that validates, and everything else as told. */
function validating(answering: Answering): Answering {
  return query => selfTest(query) ?? answering(query)
}

function selfTest(query: Query): readonly Buffer[] | undefined {
  if (query.question.name === 'signed.test')
    return [reply(query, { answers: [address('signed.test')], ad: true })]
  if (query.question.name !== 'bogus.test') return undefined
  return [reply(query, asksUnchecked(query) ? { answers: [address('bogus.test')] } : { rcode: 2 })]
}

async function server(answering: Answering): Promise<DnsServer> {
  const started = await startDns(answering)
  opened.push(() => started.stop())
  return started
}

async function resolver(
  answering: Answering,
  options: Partial<ResolverOptions> = {},
): Promise<Resolver & { readonly server: DnsServer }> {
  const at = await server(answering)
  const found = await openResolver({ address: at.address, port: at.port, names, timeout: 2000, ...options })
  opened.push(() => found.close())
  return Object.defineProperty(found, 'server', { value: at }) as typeof found & { server: DnsServer }
}

function address(name: string, data = '192.0.2.1'): Answer {
  return { type: 'A', name, class: 'IN', ttl: 60, data }
}

function alias(name: string, data: string): Answer {
  return { type: 'CNAME', name, class: 'IN', ttl: 60, data }
}

function mx(name: string, preference: number, exchange: string): Answer {
  return { type: 'MX', name, class: 'IN', ttl: 60, data: { preference, exchange } }
}

function txt(name: string, ...parts: string[]): Answer {
  return { type: 'TXT', name, class: 'IN', ttl: 60, data: parts.map(part => Buffer.from(part, 'latin1')) }
}

function always(parts: ReplyParts): Answering {
  return validating(query => [reply(query, parts)])
}

const failed = { kind: 'failed' }

describe('a question', () => {
  test('wants recursion, DNSSEC and its verdict, and comes with another id from another port each time', async () => {
    const dns = await resolver(always({}))
    for (let asked = 0; asked < 20; asked++) await dns.txt('bank.test')
    const queries = dns.server.queries.filter(({ question }) => question.type === 'TXT')
    expect(queries).toHaveLength(20)
    for (const { packet } of queries) {
      expect(packet).toMatchObject({ flag_rd: true, flag_ad: true, flag_cd: false })
      expect(packet.additionals).toMatchObject([{ type: 'OPT', flag_do: true, udpPayloadSize: 1232 }])
    }
    expect(new Set(queries.map(({ id }) => id)).size).toBeGreaterThan(15)
    expect(new Set(queries.map(({ port }) => port)).size).toBeGreaterThan(15)
  })

  test.each([
    '',
    '.',
    'bank..test',
    'bank.test\0.evil.test',
    'bank test',
    'bänk.test',
    'bank.test/x',
    `${'a'.repeat(64)}.test`,
    'a.'.repeat(127) + 'test',
    '*.bank.test',
  ])('about %j is not asked', async name => {
    const dns = await resolver(always({ answers: [txt(name, 'x')] }))
    const before = dns.server.queries.length
    expect(await dns.txt(name)).toEqual(failed)
    expect(await dns.mx(name)).toEqual(failed)
    expect(await dns.addresses(name)).toEqual(failed)
    expect(dns.server.queries).toHaveLength(before)
  })
})

describe('an answer', () => {
  test('is secure by its AD bit', async () => {
    const answers = [
      mx('bank.test', 20, 'B.bank.test'),
      mx('bank.test', 10, 'a.bank.test'),
      mx('bank.test', 20, 'c.bank.test'),
    ]
    const found = {
      kind: 'found',
      canonical: 'bank.test',
      records: [
        { preference: 10, host: 'a.bank.test' },
        { preference: 20, host: 'b.bank.test' },
        { preference: 20, host: 'c.bank.test' },
      ],
    }
    expect(await (await resolver(always({ answers, ad: true }))).mx('Bank.test')).toEqual({
      ...found,
      secure: true,
    })
    expect(await (await resolver(always({ answers }))).mx('bank.test')).toEqual({ ...found, secure: false })
  })

  test('has TLSA data in hex, the strings of a TXT record joined, the null MX as an empty name', async () => {
    const data = { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 0xab) }
    const record: Answer = { type: 'TLSA', name: '_25._tcp.mx.test', class: 'IN', ttl: 1, data }
    const dns = await resolver(
      validating(query => {
        const byType: Record<string, Answer> = {
          TLSA: record,
          TXT: txt('bank.test', 'v=STSv1; ', 'id=\xff;'),
          MX: mx('bank.test', 0, '.'),
        }
        const answer = byType[query.question.type]
        return [reply(query, { answers: answer === undefined ? [] : [answer] })]
      }),
    )
    expect(await dns.tlsa('_25._tcp.mx.test')).toMatchObject({
      records: [{ usage: 3, selector: 1, matchingType: 1, data: 'ab'.repeat(32) }],
    })
    expect(await dns.txt('bank.test')).toMatchObject({ records: ['v=STSv1; id=\xff;'] })
    expect(await dns.mx('bank.test')).toMatchObject({ records: [{ preference: 0, host: '' }] })
  })

  test('of nothing tells an absent record from an absent name, proved or not', async () => {
    expect(await (await resolver(always({ ad: true }))).tlsa('mx.test')).toEqual({
      kind: 'none',
      secure: true,
      exists: true,
    })
    expect(await (await resolver(always({ rcode: 3 }))).mx('mx.test')).toEqual({
      kind: 'none',
      secure: false,
      exists: false,
    })
  })

  test('of addresses is both families in turns, secure only when both are', async () => {
    const six: Answer = { type: 'AAAA', name: 'mx.test', class: 'IN', ttl: 1, data: '2001:db8::1' }
    const dual = (secure: Record<string, boolean>) =>
      resolver(
        validating(query => {
          const { type } = query.question
          const answers = type === 'A' ? [address('mx.test'), address('mx.test', '192.0.2.2')] : [six]
          return [reply(query, { answers, ad: secure[type] ?? false })]
        }),
      )
    const records = ['192.0.2.1', '2001:db8::1', '192.0.2.2']
    expect(await (await dual({ A: true, AAAA: true })).addresses('mx.test')).toMatchObject({
      records,
      secure: true,
    })
    expect(await (await dual({ A: true })).addresses('mx.test')).toMatchObject({ records, secure: false })
    expect(await (await dual({ AAAA: true })).addresses('mx.test')).toMatchObject({ secure: false })
  })

  test('of addresses fails when one family does', async () => {
    const dns = await resolver(
      validating(query => [
        reply(query, query.question.type === 'A' ? { answers: [address('mx.test')] } : { rcode: 2 }),
      ]),
    )
    expect(await dns.addresses('mx.test')).toEqual(failed)
  })

  test('is at the end of CNAMEs, which only the question for the CNAME does not follow', async () => {
    const answers = [
      alias('mx.test', 'Mail.host.test'),
      alias('mail.host.test', 'a.host.test'),
      address('a.host.test'),
    ]
    const dns = await resolver(
      validating(query => [
        reply(query, { answers: query.question.type === 'CNAME' ? answers.slice(0, 1) : answers, ad: true }),
      ]),
    )
    expect(await dns.addresses('mx.test')).toMatchObject({ canonical: 'a.host.test', records: ['192.0.2.1'] })
    expect(await dns.alias('mx.test')).toEqual({
      kind: 'found',
      canonical: 'mx.test',
      secure: true,
      records: ['mail.host.test'],
    })
  })

  test('that does not fit a datagram comes by TCP', async () => {
    const answers = Array.from({ length: 200 }, (_, at) => txt('bank.test', `record ${at} ${'x'.repeat(40)}`))
    const dns = await resolver(
      validating(query => [reply(query, query.over === 'udp' ? { truncated: true } : { answers, ad: true })]),
    )
    expect(await dns.txt('bank.test')).toMatchObject({ secure: true, records: { length: 200 } })
    expect(dns.server.queries.filter(({ over }) => over === 'tcp')).toHaveLength(1)
  })
})

describe('what fails, and is never taken for "none":', () => {
  const opt = (extendedRcode: number): Answer => ({
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  })
  test.each<[string, ReplyParts]>([
    ['SERVFAIL', { rcode: 2 }],
    ['REFUSED', { rcode: 5 }],
    ['FORMERR', { rcode: 1 }],
    ['an extended error', { additionals: [opt(1)] }],
    ['records of another name', { answers: [address('evil.test')], ad: true }],
    [
      'records of another name beside ours',
      { answers: [address('mx.test'), address('evil.test')], ad: true },
    ],
    ['records of a name that is not there', { rcode: 3, answers: [address('mx.test')], ad: true }],
    ['a ring of CNAMEs', { answers: [alias('mx.test', 'a.test'), alias('a.test', 'mx.test')] }],
    [
      'two CNAMEs at one name',
      { answers: [alias('mx.test', 'a.test'), alias('mx.test', 'b.test'), address('a.test')] },
    ],
    ['a CNAME to a name that is none', { answers: [alias('mx.test', 'a b.test'), address('a b.test')] }],
    [
      'an endless chain of CNAMEs',
      {
        answers: [
          ...Array.from({ length: 12 }, (_, at) =>
            alias(at === 0 ? 'mx.test' : `c${at}.test`, `c${at + 1}.test`),
          ),
          address('c12.test'),
        ],
      },
    ],
    ['truncation over TCP, too', { truncated: true }],
  ])('%s', async (_name, parts) => {
    const dns = await resolver(always(parts))
    expect(await dns.addresses('mx.test')).toEqual(failed)
  })

  test('mail servers of impossible names, alone; beside others they are left out', async () => {
    const odd = mx('bank.test', 10, 'a\0b.test')
    expect(await (await resolver(always({ answers: [odd] }))).mx('bank.test')).toEqual(failed)
    const some = await resolver(always({ answers: [odd, mx('bank.test', 20, 'mx.test')] }))
    expect(await some.mx('bank.test')).toMatchObject({ records: [{ host: 'mx.test' }] })
  })

  test('octets behind a message, or too few of them', async () => {
    const cut = (change: (whole: Buffer) => Buffer, options = {}) =>
      resolver(
        validating(query => [change(reply(query, { answers: [txt('bank.test', 'x')] }))]),
        options,
      )
    const hasty = { timeout: 200, tries: 1 }
    expect(await (await cut(whole => whole)).txt('bank.test')).toMatchObject({ kind: 'found' })
    expect(
      await (await cut(whole => Buffer.concat([whole, Buffer.alloc(1)]), hasty)).txt('bank.test'),
    ).toEqual(failed)
    expect(await (await cut(whole => whole.subarray(0, -1), hasty)).txt('bank.test')).toEqual(failed)
    expect(await (await cut(() => Buffer.alloc(3), hasty)).txt('bank.test')).toEqual(failed)
  })

  test('more than 16 KiB by TCP', async () => {
    const answers = Array.from({ length: 100 }, () => txt('bank.test', 'x'.repeat(200)))
    const dns = await resolver(
      validating(query => [reply(query, query.over === 'udp' ? { truncated: true } : { answers })]),
      { tries: 1 },
    )
    expect(await dns.txt('bank.test')).toEqual(failed)
  })

  test('silence, after as many tries as there are, and nobody at the port', async () => {
    const dns = await resolver(
      validating(() => []),
      { timeout: 100, tries: 3 },
    )
    expect(await dns.txt('bank.test')).toEqual(failed)
    expect(dns.server.queries.filter(({ question }) => question.type === 'TXT')).toHaveLength(3)
    await opened.pop()?.()
    await opened.pop()?.()
    expect(await dns.txt('bank.test')).toEqual(failed)
  })
})

describe('a forged reply is passed over, and the true one is waited for:', () => {
  const truth = { answers: [txt('bank.test', 'true')] }
  const forged = { answers: [txt('bank.test', 'forged')], ad: true }
  test.each<[string, (query: Query) => Buffer]>([
    ['another id', query => reply(query, { ...forged, id: query.id ^ 1 })],
    [
      'another name asked',
      query => reply(query, { ...forged, question: { type: 'TXT', name: 'bank.tes', class: 'IN' } }),
    ],
    [
      'another type asked',
      query => reply(query, { ...forged, question: { type: 'MX', name: 'bank.test', class: 'IN' } }),
    ],
    [
      'a query',
      query => {
        const copy = reply(query, forged)
        copy.writeUInt8(copy.readUInt8(2) & 0x7f, 2)
        return copy
      },
    ],
    ['noise', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('%s', async (_name, forge) => {
    const dns = await resolver(validating(query => [forge(query), reply(query, truth)]))
    expect(await dns.txt('bank.test')).toMatchObject({ records: ['true'], secure: false })
  })
})

test('an address that cannot even be connected to is no more than silence', async () => {
  const broadcast = { address: '255.255.255.255', port: 53, timeout: 1000, tries: 2 }
  expect(await testResolver(broadcast, names)).toEqual({ validates: false, reason: 'no_answer' })
})

test('a message made to be read slowly is not read', async () => {
  const dns = await resolver(
    validating(query => (query.over === 'udp' ? [reply(query, { truncated: true })] : [winding(query)])),
    { timeout: 500, tries: 1 },
  )
  expect(await dns.txt('bank.test')).toEqual(failed)
})

/** 16 KiB: a chain of pointers through one record, at whose end the names of a thousand others begin. */
function winding(query: Query): Buffer {
  const message = Buffer.alloc(16_384)
  const head = reply(query)
  head.copy(message)
  let at = head.length + 11
  const pointers = 2500
  message.writeUInt16BE(10, head.length + 1)
  message.writeUInt16BE(1, head.length + 3)
  message.writeUInt16BE(pointers * 2, head.length + 9)
  let before = 12
  for (let left = pointers; left > 0; left--) {
    message.writeUInt16BE(0xc000 | before, at)
    before = at
    at += 2
  }
  let count = 1
  for (; at + 12 <= message.length; at += 12) {
    message.writeUInt16BE(0xc000 | before, at)
    message.writeUInt16BE(16, at + 2)
    message.writeUInt16BE(1, at + 4)
    count++
  }
  message.writeUInt16BE(count, 6)
  return message.subarray(0, at)
}

test.each(['192.0.2.53', '0.0.0.0', '10.0.0.1', '::', '::ffff:192.0.2.1', 'localhost', '127.1', '8.8.8.8'])(
  'a resolver at %s, where others could sit in between, is refused',
  async address => {
    await expect(openResolver({ address, port: 53, names })).rejects.toMatchObject({ code: 'config_invalid' })
  },
)

describe('the self-test says of a resolver', () => {
  const says = async (answering: Answering, options: { timeout?: number; tries?: number } = {}) => {
    const { address, port } = await server(answering)
    return testResolver({ address, port, ...options }, names)
  }
  test('that validates, that it does', async () => {
    expect(await says(validating(() => []))).toEqual({ validates: true })
  })
  test('that does not validate, that it does not', async () => {
    const plain: Answering = query => [reply(query, { answers: [address(query.question.name)] })]
    expect(await says(plain)).toEqual({ validates: false, reason: 'bogus_believed' })
  })
  test('that sets AD on everything (fake AD), that it believes what is bogus', async () => {
    const liar: Answering = query => [reply(query, { answers: [address(query.question.name)], ad: true })]
    expect(await says(liar)).toEqual({ validates: false, reason: 'bogus_believed' })
  })
  test('that withholds what is bogus and never says AD, that it proves nothing', async () => {
    const mute: Answering = query =>
      query.question.name === 'signed.test'
        ? [reply(query, { answers: [address('signed.test')] })]
        : (selfTest(query) ?? [])
    expect(await says(mute)).toEqual({ validates: false, reason: 'signed_not_proved' })
  })
  test('that fails for everything, so that it looks like one that withholds, that there is too little to tell', async () => {
    expect(await says(query => [reply(query, { rcode: 2 })])).toEqual({
      validates: false,
      reason: 'no_answer',
    })
    const liar: Answering = query => [
      reply(
        query,
        query.question.name === 'signed.test'
          ? { answers: [address('signed.test')], ad: true }
          : { rcode: 2 },
      ),
    ]
    expect(await says(liar)).toEqual({ validates: false, reason: 'no_answer' })
  })
  test('that is silent, or whose bogus name is gone, likewise', async () => {
    expect(await says(() => [], { timeout: 100, tries: 1 })).toEqual({
      validates: false,
      reason: 'no_answer',
    })
    const gone: Answering = query =>
      query.question.name === 'bogus.test' ? [reply(query, { rcode: 3, ad: true })] : (selfTest(query) ?? [])
    expect(await says(gone)).toEqual({ validates: false, reason: 'no_answer' })
  })
})

describe('a resolver that', () => {
  const answers = [mx('bank.test', 10, 'mx.bank.test')]
  const everySoOften = { proved: 20, unproved: 20 }
  const until = async (holds: () => boolean) => {
    for (let tries = 0; tries < 500 && !holds(); tries++)
      await new Promise(resolve => setTimeout(resolve, 10))
    expect(holds()).toBe(true)
  }

  test('does not validate proves nothing, whatever its AD bit says', async () => {
    const told: Tested[] = []
    const dns = await resolver(
      query => [
        reply(query, {
          answers: query.question.type === 'MX' ? answers : [address(query.question.name)],
          ad: true,
        }),
      ],
      {
        onTested: tested => told.push(tested),
      },
    )
    expect(dns.validates).toBe(false)
    expect(await dns.mx('bank.test')).toMatchObject({ kind: 'found', secure: false })
    expect(told).toEqual([{ validates: false, reason: 'bogus_believed' }])
  })

  test('has not been proved anything of yet lets nothing be concluded: not to be less safe by it', async () => {
    const cut: Answering = query => [
      reply(
        query,
        query.question.type === 'A' && /signed|bogus/.test(query.question.name)
          ? { rcode: 2 }
          : { answers: query.question.type === 'MX' ? answers : [] },
      ),
    ]
    const dns = await resolver(cut)
    expect(await dns.mx('bank.test')).toEqual(failed)
    expect(await dns.tlsa('_25._tcp.bank.test')).toEqual(failed)
    expect(await dns.alias('bank.test')).toEqual(failed)
    expect(await dns.txt('bank.test')).toMatchObject({ kind: 'none' })
  })

  test('validated is not doubted because somebody cuts the self-test off', async () => {
    let cut = false
    const told: Tested[] = []
    const dns = await resolver(
      query =>
        cut && query.question.type === 'A'
          ? [reply(query, { rcode: 2 })]
          : (selfTest(query) ?? [reply(query, { answers, ad: true })]),
      { testEvery: everySoOften, onTested: tested => told.push(tested) },
    )
    cut = true
    const before = dns.server.queries.length
    await until(() => dns.server.queries.length > before + 8)
    expect(dns.validates).toBe(true)
    expect(await dns.mx('bank.test')).toMatchObject({ secure: true })
    expect(told).toEqual([{ validates: true }])
  })

  test('stops validating, or begins, is found out and told once', async () => {
    let honest = true
    const told: Tested[] = []
    const dns = await resolver(
      query =>
        (honest ? selfTest(query) : undefined) ?? [
          reply(query, {
            answers: query.question.type === 'MX' ? answers : [address(query.question.name)],
            ad: true,
          }),
        ],
      { testEvery: everySoOften, onTested: tested => told.push(tested) },
    )
    expect(await dns.mx('bank.test')).toMatchObject({ secure: true })
    honest = false
    await until(() => !dns.validates)
    expect(await dns.mx('bank.test')).toMatchObject({ secure: false })
    honest = true
    await until(() => dns.validates)
    expect(told).toEqual([
      { validates: true },
      { validates: false, reason: 'bogus_believed' },
      { validates: true },
    ])
  })
})
