import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Plaintext } from '../../src/kernel/index.ts'
import { parseJson } from '../../src/sealer/inside/body/json.ts'
import { type Message, parseMessage } from '../../src/sealer/inside/body/parse-message.ts'
import { MessageRefused } from '../../src/sealer/inside/body/refused.ts'
import type { SealRefusal } from '../../src/sealer/protocol.ts'

const canary = '4111111111111111'
const good = { from: 'app@pay.test', to: ['a@bank.test'], subject: 'Statement', text: 'x' }
const attachment = { filename: 'a.pdf', contentType: 'application/pdf', content: 'AAAA' }

function parse(input: unknown): Message {
  const bytes =
    input instanceof Uint8Array
      ? input
      : Buffer.from(typeof input === 'string' ? input : JSON.stringify(input))
  return parseMessage(new Uint8Array(bytes))
}

function refusal(input: unknown): SealRefusal {
  try {
    parse(input)
  } catch (error) {
    if (error instanceof MessageRefused) return error.refusal
    throw error
  }
  throw new Error('it was accepted')
}

const invalidJson: Record<string, [string | Uint8Array, string]> = {
  nothing: ['', 'syntax'],
  'half an object': [`{"from":"${canary}`, 'syntax'],
  'two documents': [JSON.stringify(good) + JSON.stringify(good), 'syntax'],
  'a byte order mark': [`\ufeff${JSON.stringify(good)}`, 'syntax'],
  'a comment': [`/* ${canary} */{}`, 'syntax'],
  'a trailing comma': [`{"text":"${canary}",}`, 'syntax'],
  'single quotes': [`{'text':'${canary}'}`, 'syntax'],
  NaN: [`{"text":NaN}`, 'syntax'],
  'a number with a leading zero': ['{"text":012}', 'syntax'],
  'a raw line end in a string': [`{"text":"${canary}\n"}`, 'syntax'],
  'an unknown escape': [String.raw`{"text":"\x41"}`, 'syntax'],
  'a short unicode escape': [String.raw`{"text":"\u41"}`, 'syntax'],
  'a NUL between tokens': ['{\u0000}', 'syntax'],
  'invalid UTF-8': [
    Buffer.concat([Buffer.from('{"text":"'), Uint8Array.of(0xc3, 0x28), Buffer.from('"}')]),
    'encoding',
  ],
  'an overlong slash': [
    Buffer.concat([Buffer.from('{"text":"'), Uint8Array.of(0xc0, 0xaf), Buffer.from('"}')]),
    'encoding',
  ],
  'UTF-16': [Buffer.from(JSON.stringify(good), 'utf16le'), 'syntax'],
  'a duplicate key': [`{"text":"a","text":"${canary}"}`, 'duplicate_key'],
  'a duplicate key, escaped': [String.raw`{"text":"a","\u0074ext":"b"}`, 'duplicate_key'],
  'a duplicate __proto__': ['{"__proto__":1,"__proto__":2}', 'duplicate_key'],
  'a high surrogate alone': [String.raw`{"text":"\ud800"}`, 'lone_surrogate'],
  'a low surrogate alone': [String.raw`{"text":"\udc00\ud800"}`, 'lone_surrogate'],
  'two high surrogates': [String.raw`{"text":"\ud800\ud800"}`, 'lone_surrogate'],
  depth: ['['.repeat(100_000), 'too_deep'],
  'many values': [`[${'[],'.repeat(100_000)}[]]`, 'too_many_values'],
}

test.each(Object.entries(invalidJson))('invalid JSON is refused: %s', (_, [input, code]) => {
  expect(refusal(input)).toEqual({ code: 'invalid_json', errors: [{ pointer: '', code }] })
})

const invalid: Record<string, [unknown, string, string]> = {
  'a list': [[good], '', 'wrong_type'],
  'a field unknown': [{ ...good, [canary]: 1 }, '', 'unknown_field'],
  __proto__: [`{"__proto__":{"from":"x"},${JSON.stringify(good).slice(1)}`, '', 'unknown_field'],
  'no from': [{ ...good, from: undefined }, '/from', 'required'],
  'from with a name': [{ ...good, from: 'App <app@pay.test>' }, '/from', 'malformed'],
  'a PAN as a number': [{ ...good, text: Number(canary) }, '/text', 'wrong_type'],
  'to as a string': [{ ...good, to: 'a@bank.test' }, '/to', 'wrong_type'],
  nobody: [{ ...good, to: [] }, '/to', 'required'],
  'a recipient twice': [{ ...good, to: ['a@bank.test', 'b@bank.test', 'a@bank.test'] }, '/to/2', 'duplicate'],
  '51 recipients': [
    { ...good, to: Array.from({ length: 51 }, (_, i) => `r${i}@bank.test`) },
    '/to',
    'too_many',
  ],
  'two @': [{ ...good, to: ['a@b@bank.test'] }, '/to/0', 'malformed'],
  'a comment in an address': [{ ...good, to: ['a(x)@bank.test'] }, '/to/0', 'malformed'],
  'a look-alike domain': [{ ...good, to: ['a@bаnk.test'] }, '/to/0', 'malformed'],
  'an address literal': [{ ...good, to: ['a@[127.0.0.1]'] }, '/to/0', 'malformed'],
  'a long subject': [{ ...good, subject: 'x'.repeat(999) }, '/subject', 'too_long'],
  'a very long subject': [{ ...good, subject: 'x'.repeat(9_999_999) }, '/subject', 'too_long'],
  'null as text': [{ ...good, text: null }, '/text', 'wrong_type'],
  'NUL in text': [{ ...good, text: 'a\0b' }, '/text', 'null_character'],
  'nothing to say': [{ ...good, text: undefined, attachments: [] }, '', 'no_content'],
  'a PAN as a spaced reference': [{ ...good, reference: '4111 1111 1111 1111' }, '/reference', 'malformed'],
  'attachments as an object': [{ ...good, attachments: {} }, '/attachments', 'wrong_type'],
  'too many attachments': [{ ...good, attachments: Array(101).fill(attachment) }, '/attachments', 'too_many'],
  'a path as a filename': [
    withAttachment({ filename: '../../etc/passwd' }),
    '/attachments/0/filename',
    'malformed',
  ],
  'a long filename': [withAttachment({ filename: 'x'.repeat(256) }), '/attachments/0/filename', 'too_long'],
  'no filename': [withAttachment({ filename: undefined }), '/attachments/0/filename', 'required'],
  'an attached message': [
    withAttachment({ contentType: 'message/rfc822' }),
    '/attachments/0/contentType',
    'malformed',
  ],
  'a multipart': [
    withAttachment({ contentType: 'Multipart/Mixed' }),
    '/attachments/0/contentType',
    'malformed',
  ],
  'a parameter': [
    withAttachment({ contentType: 'text/plain; name=x' }),
    '/attachments/0/contentType',
    'malformed',
  ],
  'base64 with a line end': [withAttachment({ content: 'AAAA\n' }), '/attachments/0/content', 'malformed'],
  'base64 without padding': [withAttachment({ content: 'QQ' }), '/attachments/0/content', 'malformed'],
  'base64 of the URL alphabet': [withAttachment({ content: '-_-_' }), '/attachments/0/content', 'malformed'],
  'base64 with stray bits': [withAttachment({ content: 'QR==' }), '/attachments/0/content', 'malformed'],
  'base64 with padding inside': [
    withAttachment({ content: 'QQ==QQ==' }),
    '/attachments/0/content',
    'malformed',
  ],
  'an unknown field of an attachment': [withAttachment({ [canary]: '' }), '/attachments/0', 'unknown_field'],
}

test.each(Object.entries(invalid))('a wrong form is refused: %s', (_, [input, pointer, code]) => {
  expect(refusal(input)).toEqual({ code: 'invalid_message', errors: [{ pointer, code }] })
})

function withAttachment(change: Record<string, unknown>): unknown {
  return { ...good, attachments: [{ ...attachment, ...change }] }
}

const injections: [string, unknown][] = [
  '\r\nBcc: x@evil.test',
  '\n',
  '\r',
  '\0',
  '\u007f',
  '\u0085',
  '\u2028',
  '\u202e',
].flatMap(control => [
  ['/subject', { ...good, subject: `a${control}b` }],
  ['/from', { ...good, from: `app@pay.test${control}` }],
  ['/to/0', { ...good, to: [`a@bank.test${control}`] }],
  ['/reference', { ...good, reference: `a${control}` }],
  ['/attachments/0/filename', withAttachment({ filename: `a${control}.pdf` })],
  ['/attachments/0/contentType', withAttachment({ contentType: `text/plain${control}` })],
])

test.each(injections)('a control character is header injection: %s', (pointer, input) => {
  expect(refusal(input)).toEqual({
    code: 'header_injection',
    errors: [{ pointer, code: 'control_character' }],
  })
})

test('all errors are reported at once', () => {
  const { errors } = refusal({ from: 1, to: ['x'], attachments: [{}] })
  expect(errors).toHaveLength(6)
})

test('what is accepted is what was sent, escapes and all', () => {
  const text = '/\\"\b\f\n\r\t é € \u{1f4a9} \u007f'
  const escaped = JSON.stringify({ ...good, text }).replace(
    /[^ -~]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const message = parse(escaped.replace('/', String.raw`\/`))
  expect(Buffer.from(message.text ?? []).toString()).toBe(text)
  expect(message.metadata).toEqual({ from: 'app@pay.test', to: ['a@bank.test'], reference: undefined })
})

test('it takes exactly the JSON that JSON.parse takes, but for what is refused by name', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), document => {
      const bytes = new Uint8Array(Buffer.from(document))
      try {
        parseJson(bytes)
      } catch (error) {
        expect(error).toMatchObject({
          code: expect.stringMatching(/^(?:duplicate_key|lone_surrogate)$/) as unknown,
        })
      }
    }),
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.nat(), (insert, at) => {
      const document = JSON.stringify(good)
      const cut = at % document.length
      const mutated = document.slice(0, cut) + insert + document.slice(cut)
      expect(accepts(() => parseJson(new Uint8Array(Buffer.from(mutated))))).toBe(
        accepts(() => JSON.parse(Buffer.from(mutated).toString())),
      )
    }),
    { numRuns: 3000 },
  )
})

test('no refusal ever quotes what was sent', () => {
  const inputs = [
    ...Object.values(invalidJson).map(([input]) => input),
    ...Object.values(invalid).map(([input]) => input),
    {
      [canary]: canary,
      from: canary,
      to: [canary],
      subject: `${canary}\n`,
      text: 1,
      reference: `${canary} `,
    },
    {
      ...good,
      attachments: [{ [canary]: 1, filename: `${canary}/`, contentType: canary, content: `${canary}!` }],
    },
  ]
  for (const input of inputs) {
    try {
      parse(input)
    } catch (error) {
      const words = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)} ${String(error)}`
      expect(words).not.toContain(canary)
    }
  }
})

test('plaintext is never printed', () => {
  const plaintext = new Plaintext(Buffer.from(canary))
  const words = [
    inspect(plaintext, { depth: 9, showHidden: true }),
    inspect({ body: [plaintext] }, { depth: 9, showHidden: true, customInspect: false }),
    JSON.stringify({ plaintext }),
    String(plaintext),
    plaintext.toString(),
    Object.entries(plaintext).join(),
    inspect(Object.getOwnPropertyDescriptors(plaintext)),
  ].join('\n')
  expect(words).toContain('[plaintext]')
  expect(words).not.toContain(canary)
  expect(words).not.toContain('52, 49, 49')
})

function accepts(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}
