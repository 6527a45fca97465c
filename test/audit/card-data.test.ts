import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventRow } from '../../src/audit/append.ts'
import { canonicalJson } from '../../src/audit/canonical.ts'
import { cardDataIn, newId, systemClock } from '../../src/kernel/index.ts'
import { cardDataOf, withheldIfCard } from '../../src/platform/index.ts'

// Published test numbers of payment networks, and one of 19 digits.
const numbers = [
  '4111111111111111',
  '5555555555554444',
  '378282246310005',
  '30569309025904',
  '6011111111111117',
  '3530111333300000',
  '6304000000000000',
  '6212345678900000003',
]
const grouped = (number: string, separator: string) => number.match(/.{1,4}/g)?.join(separator) ?? number
const inScript = (zero: number) => (number: string) =>
  number.replace(/\d/g, digit => String.fromCodePoint(zero + Number(digit)))

const spellings: Readonly<Record<string, (number: string) => string>> = {
  plain: number => number,
  spaces: number => grouped(number, ' '),
  dashes: number => grouped(number, '-'),
  dots: number => grouped(number, '.'),
  slashes: number => grouped(number, '/'),
  underscores: number => grouped(number, '_'),
  'two separators': number => grouped(number, ', '),
  'no-break spaces': number => grouped(number, '\u00a0'),
  'figure dashes': number => grouped(number, '\u2012'),
  'zero-width spaces': number => Array.from(number).join('\u200b'),
  'a soft hyphen between digits': number => grouped(number, '\u00ad'),
  'every digit apart': number => Array.from(number).join(' '),
  'Arabic-Indic digits': inScript(0x660),
  'Devanagari digits': inScript(0x966),
  'full-width digits': inScript(0xff10),
  'mathematical bold digits': inScript(0x1d7ce),
  'Thai digits, grouped': number => grouped(inScript(0xe50)(number), '-'),
  'letters around it': number => `x${number}y`,
  'a label before it': number => `card:${number}`,
  'in a URI': number => `URI:urn:card:${number}`,
}

const sensitive: Readonly<Record<string, string>> = {
  'track 1': '%B4111111111111111^DOE/JANE^29121010000000000',
  'track 1 of a number that fails Luhn': 'B4111111111111112^DOE/JANE^2912101',
  'track 2': ';4111111111111112=29121010000000000?',
  'track 2 as EMV has it': '4111111111111112D2912101',
  'track 2 by its tag': 'tag 57: 4111',
  'track 1 discretionary data by its tag': '9F1F 3132',
  'a CVV': 'CVV 123',
  'a CVV2': 'cvv2=1234',
  'a CVC': 'cvc:123',
  'a CAV': 'CAV2 is 123',
  'a CID': 'cid 1234',
  'a CSC': 'CSC: 123',
  'a card verification code': 'card verification code: 123',
  'a CVV in Arabic-Indic digits': 'CVV \u0661\u0662\u0663',
  'a PIN': 'PIN 1234',
  'a PIN block': 'pin block 0412AC89ABCDEF67',
}

const places: Readonly<Record<string, (value: string) => object>> = {
  'a member': value => ({ type: 'x', host: value }),
  'a member of a member': value => ({ tls: { stsPolicy: value } }),
  'an item of a list': value => ({ reasons: ['a', value] }),
  'a member of an item': value => ({ deliveries: [{ format: value }] }),
  'the name of a member': value => ({ [value]: 1 }),
  'the name of a member within': value => ({ tls: { [value]: true } }),
}

/** Refused, with words that do not tell what. */
function isRefused(event: object, value: string): void {
  let told = ''
  try {
    canonicalJson(event)
  } catch (error) {
    told = (error as Error).message
  }
  expect(told).toMatch(/^an audit event holds card data at/)
  expect(told).not.toContain(value)
}

describe.each(Object.entries(places))('at %s', (_place, at) => {
  test.each(Object.entries(spellings))('a card number is refused: %s', (_name, spell) => {
    for (const number of numbers) isRefused(at(spell(number)), spell(number))
  })

  test.each(Object.entries(sensitive))('%s is refused', (_name, text) => {
    isRefused(at(text), text)
  })
})

test.each([
  ['as a number', { size: 4111111111111111 }],
  ['as a negative number', { size: -4111111111111111 }],
  ['as a fraction', { size: 4111111.111111111 }],
  ['as a large number that rounds', { size: 6221260012345678909 }],
])('a card number %s is refused', (_name, event) => {
  expect(() => canonicalJson(event)).toThrow(/a fraction or a large number at/)
})

test.each([
  ['texts', ['4111', '1111', '1111', '1111']],
  ['numbers', [4111, 1111, 1111, 1111]],
  ['digits', Array.from('4111111111111111')],
])('a card number spread over a list of %s is refused', (_name, list) => {
  expect(() => canonicalJson({ reasons: list })).toThrow(/card data at/)
})

test.each(['cvv', 'CVV2', 'cardCvc', 'pin', 'pinBlock', 'pin_block', 'track2', 'pan', 'pan_', 'cardNumber'])(
  'a member that is called %s is refused, whatever it holds',
  name => {
    expect(() => canonicalJson({ [name]: 'x' })).toThrow(/card data at a name/)
  },
)

test.each([['pinned'], ['company'], ['spanned'], ['trackable'], ['attempt'], ['opinion']])(
  'a name such as %s is none',
  name => {
    expect(() => canonicalJson({ [name]: name })).not.toThrow()
  },
)

test('an event with card data raises the error of a program fault, and names the place only', () => {
  const event = { type: 'client.refused', reason: 'CVV 123' } as const
  expect(() => eventRow({ actor: { kind: 'host' }, event }, systemClock)).toThrow(
    expect.objectContaining({
      code: 'internal_error',
      details: { detail: 'an audit event holds card data at /reason' },
    }) as Error,
  )
})

describe('no event is refused by chance', () => {
  const hex = (bytes: number) => randomBytes(bytes).toString('hex')
  const legitimate: Readonly<Record<string, () => string>> = {
    'an id': () => newId('dlv', systemClock),
    'a digest': () => hex(32),
    'a fingerprint of version 4': () => hex(20).toUpperCase(),
    'a fingerprint of version 6': () => hex(32).toUpperCase(),
    'a salt': () => hex(16),
    'a UUID': () => randomUUID(),
    'a TLSA record': () => `3 1 1 ${hex(32)}`,
    'the start of a TLSA record': () => `2 0 1 ${hex(12)}`,
    'a time': () => new Date(Math.random() * 4e12).toISOString(),
    'an IPv4 address': () => [...randomBytes(4)].join('.'),
    'an IPv6 address': () => Array.from({ length: 8 }, () => hex(2)).join(':'),
    'the id of an MTA-STS policy': () =>
      new Date(1.4e12 + Math.random() * 1e12).toISOString().replace(/\D/g, '').slice(0, 14),
  }
  test.each(Object.entries(legitimate))('%s', (_name, make) => {
    for (let i = 0; i < 20_000; i++) {
      const text = make()
      if (cardDataOf(text) !== undefined) expect.unreachable(`refused: ${text}`)
    }
  })

  test('nor for its counts, of up to eleven digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: -99_999_999_999, max: 99_999_999_999 }), size => {
        expect(canonicalJson({ size })).toBe(`{"size":${size}}`)
      }),
    )
  })

  test('nor for many digests and addresses beside each other', () => {
    for (let i = 0; i < 500; i++) {
      const chain = Array.from({ length: 8 }, () => hex(32))
      const addresses = Array.from({ length: 8 }, () => [...randomBytes(4)].join('.'))
      expect(() => canonicalJson({ chain, addresses, digits: hex(20).toUpperCase() })).not.toThrow()
    }
  })
})

test('a name that others chose is withheld, not refused', () => {
  expect(withheldIfCard('mx1.bank.example')).toBe('mx1.bank.example')
  expect(withheldIfCard('4111111111111111.bank.example')).toBe('[withheld]')
  expect(withheldIfCard('x'.repeat(257))).toBe('[withheld]')
  expect(withheldIfCard('a\u0000b')).toBe('[withheld]')
})

test('texts that are made to take long take no time', () => {
  const begin = performance.now()
  const worst = [
    '1 '.repeat(128),
    '1'.repeat(256),
    '1,;.'.repeat(64),
    '11111111111a'.repeat(21),
    'pin '.repeat(64),
  ]
  for (let i = 0; i < 100; i++) for (const text of worst) cardDataIn(text)
  // 500 texts; a hundredfold of what it takes.
  expect(performance.now() - begin).toBeLessThan(5_000)
})
