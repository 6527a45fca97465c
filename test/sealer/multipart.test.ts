import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openBody, type ReadBody } from '../../src/sealer/inside/body/read-body.ts'
import { MessageRefused } from '../../src/sealer/inside/body/refused.ts'
import type { SealRefusal, Task } from '../../src/sealer/protocol.ts'
import { attachmentPart, messagePart, multipartBody, type RawPart } from '../support/multipart.ts'

const boundary = 'B0undary'
const limits = { fingerprintKey: new Uint8Array(32), attachmentBytes: 64 * 1024 }
const good = { from: 'app@pay.test', to: ['a@bank.test'], subject: 'Statement' }
const message = messagePart(good)
const csv = attachmentPart('cases.csv', 'text/csv', 'a,b\r\n1,2\r\n')

async function read(
  body: Uint8Array,
  cuts: readonly number[] = [],
  { named = boundary, purpose = 'seal' }: { named?: string; purpose?: Task['purpose'] } = {},
): Promise<ReadBody> {
  const reader = openBody({ purpose, form: { type: 'multipart', boundary: named } }, limits)
  const chunks = [0, ...cuts].map((from, i) => Uint8Array.from(body.subarray(from, cuts[i] ?? body.length)))
  for (const chunk of chunks) await reader.add(chunk)
  const found = await reader.end()
  expect(chunks.every(chunk => chunk.every(byte => byte === 0))).toBe(true)
  return found
}

async function refusal(reading: Promise<unknown>): Promise<SealRefusal> {
  const outcome = await Promise.race([
    reading.then(
      () => 'accepted',
      (error: unknown) => error,
    ),
    sleep(20_000, 'it never ended', { ref: false }),
  ])
  if (outcome instanceof MessageRefused) return outcome.refusal
  throw outcome instanceof Error ? outcome : new Error(String(outcome))
}

const contentsOf = ({ message: { attachments } }: ReadBody): string[] =>
  attachments.map(({ content }) => Buffer.from(content).toString('latin1'))

/** What looks like a boundary, or like the beginning of one. */
const teasing = fc
  .array(
    fc.constantFrom(
      '\r\n',
      '\r',
      '\n',
      '-',
      '--',
      '\r\n--',
      '\r\n--B',
      '\r\n--B0undar',
      'B0undary',
      'x'.repeat(90),
      '\0',
      'ÿ',
    ),
    {
      maxLength: 12,
    },
  )
  .map(pieces => pieces.join(''))
  .filter(text => !`\r\n${text}\r\n`.includes(`\r\n--${boundary}`))

test('attachments arrive byte for byte, wherever the network cuts the body', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(teasing, { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      async (texts, at) => {
        const parts = texts.map((text, i) =>
          attachmentPart(`${i}.txt`, 'text/plain', Buffer.from(text, 'latin1')),
        )
        const body = multipartBody(boundary, [messagePart({ ...good, text: 'x' }), ...parts])
        const cuts = [...new Set(at.map(where => where % body.length))].sort((a, b) => a - b)
        expect(contentsOf(await read(body, cuts))).toEqual(texts)
      },
    ),
    { numRuns: 400 },
  )
})

test('cut after each byte, it is the same', async () => {
  const body = multipartBody(boundary, [message, csv, attachmentPart('b', 'a/b', '\r\n--B0undarx--'), csv])
  const cuts = Array.from({ length: body.length - 1 }, (_, i) => i + 1)
  const whole = await read(body)
  const cut = await read(body, cuts)
  expect(contentsOf(cut)).toEqual(['a,b\r\n1,2\r\n', '\r\n--B0undarx--', 'a,b\r\n1,2\r\n'])
  expect(cut.fingerprint).toBe(whole.fingerprint)
})

test('attachments of the JSON come first, then the parts in their order', async () => {
  const json = { ...good, attachments: [{ filename: 'a', contentType: 'a/b', content: 'QQ==' }] }
  const body = multipartBody(boundary, [
    messagePart(json),
    attachmentPart('b', 'a/b', 'B'),
    attachmentPart('c', 'a/b', 'C'),
  ])
  const found = await read(body)
  expect(found.message.attachments.map(({ filename }) => filename)).toEqual(['a', 'b', 'c'])
  expect(contentsOf(found)).toEqual(['A', 'B', 'C'])
})

const names: Record<string, [string, string]> = {
  'with a quote as browsers write it': ['filename="my %22x%22 100%.csv"', 'my "x" 100%.csv'],
  'with a quote as curl wrote it': [String.raw`filename="my \"x\".csv"`, 'my "x".csv'],
  'in UTF-8': ['filename="Zürich 東京.csv"', 'Zürich 東京.csv'],
  'without quotes': ['filename=a.csv', 'a.csv'],
}
test.each(Object.entries(names))('a filename %s', async (_, [parameter, filename]) => {
  const disposition = `content-disposition: form-data; NAME=attachment;${parameter}`
  const part = { headers: [disposition, 'content-type: text/csv'], content: '' }
  const found = await read(multipartBody(boundary, [message, part]))
  expect(found.message.attachments[0]?.filename).toBe(filename)
})

const named = (disposition: string, ...more: readonly string[]): RawPart => ({
  headers: [`Content-Disposition: ${disposition}`, 'Content-Type: text/csv', ...more],
  content: 'x',
})
const attachment = 'form-data; name="attachment"; filename="a.csv"'
const json = 'Content-Type: application/json'
const bodyOf = (...parts: readonly RawPart[]): Buffer => multipartBody(boundary, parts)
const ofMessage = (...headers: readonly string[]): Buffer =>
  bodyOf({ headers, content: JSON.stringify(good) }, csv)

const broken: Record<string, [Uint8Array | string, string, string]> = {
  nothing: ['', '', 'truncated'],
  'no boundary': ['{"from":"app@pay.test"}', '', 'truncated'],
  'another boundary': [multipartBody('other', [message, csv]), '', 'truncated'],
  'only the end': [`--${boundary}--\r\n`, '', 'message_first'],
  'no end': [bodyOf(message, csv).subarray(0, -6), '', 'truncated'],
  'cut within an attachment': [bodyOf(message, csv).subarray(0, -20), '', 'truncated'],
  'cut within a header': [bodyOf(message, csv).subarray(0, 30), '', 'truncated'],
  'a part without a header': [`--${boundary}\r\nx\r\n--${boundary}--\r\n`, '', 'syntax'],
  'an attachment first': [bodyOf(csv, message), '', 'message_first'],
  'no message': [bodyOf(csv), '', 'message_first'],
  'two messages': [bodyOf(message, message), '/attachments/0', 'message_first'],
  'a part of another name': [
    bodyOf(message, named('form-data; name="file"; filename="a"')),
    '/attachments/0',
    'unknown_part',
  ],
  'a part without a name': [bodyOf(message, named('form-data')), '/attachments/0', 'unknown_part'],
  'a part that is no form data': [
    bodyOf(message, named('attachment; filename="a"')),
    '/attachments/0',
    'unknown_part',
  ],
  'a name in two charsets': [
    bodyOf(message, named(`${attachment}; filename*=UTF-8''b`)),
    '/attachments/0',
    'unknown_part',
  ],
  'a filename that does not end': [
    bodyOf(message, named('form-data; name="attachment"; filename="a')),
    '/attachments/0',
    'unknown_part',
  ],
  'a line end within a filename': [
    bodyOf(message, named('form-data; name="attachment"; filename="a\nb"')),
    '/attachments/0',
    'unknown_part',
  ],
  'two dispositions': [
    bodyOf(message, named(attachment, `Content-Disposition: ${attachment}`)),
    '/attachments/0',
    'duplicate_header',
  ],
  'two types': [
    bodyOf(message, named(attachment, 'Content-Type: text/html')),
    '/attachments/0',
    'duplicate_header',
  ],
  base64: [
    bodyOf(message, named(attachment, 'Content-Transfer-Encoding: base64')),
    '/attachments/0',
    'transfer_encoding',
  ],
  'a header without end': [
    bodyOf(message, named(attachment, `X: ${'x'.repeat(9000)}`)),
    '/attachments/0',
    'header_too_long',
  ],
  'a header beyond what is kept': [
    bodyOf(message, named(attachment, `X: ${'x'.repeat(200_000)}`)),
    '/attachments/0',
    'header_too_long',
  ],
  'a message that is text': [ofMessage('Content-Disposition: form-data; name="message"'), '', 'content_type'],
  'a message in Latin-1': [
    ofMessage('Content-Disposition: form-data; name="message"', `${json}; charset=latin1`),
    '',
    'content_type',
  ],
}

test.each(Object.entries(broken))('broken multipart is refused: %s', async (_, [body, pointer, code]) => {
  expect(await refusal(read(Buffer.from(body)))).toEqual({
    code: 'invalid_multipart',
    errors: [{ pointer, code }],
  })
})

const wrong: Record<string, [Buffer, SealRefusal['code'], string, string]> = {
  'no JSON': [bodyOf(messagePart('{')), 'invalid_json', '', 'syntax'],
  'no content': [bodyOf(message), 'invalid_message', '', 'no_content'],
  'no filename': [
    bodyOf(message, named('form-data; name="attachment"')),
    'invalid_message',
    '/attachments/0/filename',
    'required',
  ],
  'a path': [
    bodyOf(message, named(attachment.replace('a.csv', '../a'))),
    'invalid_message',
    '/attachments/0/filename',
    'malformed',
  ],
  'a name in Latin-1': [
    Buffer.from(
      bodyOf(message, named(attachment.replace('a.csv', 'Z?rich'))).map(byte =>
        byte === 0x3f ? 0xfc : byte,
      ),
    ),
    'invalid_message',
    '/attachments/0/filename',
    'required',
  ],
  'a line end, escaped': [
    bodyOf(message, named(attachment.replace('a.csv', 'a%0D%0ABcc: x'))),
    'header_injection',
    '/attachments/0/filename',
    'control_character',
  ],
  'no type': [
    bodyOf(message, { headers: [`Content-Disposition: ${attachment}`], content: '' }),
    'invalid_message',
    '/attachments/0/contentType',
    'required',
  ],
  'a type with a parameter': [
    bodyOf(message, attachmentPart('a', 'text/csv; charset=utf-8', '')),
    'invalid_message',
    '/attachments/0/contentType',
    'malformed',
  ],
  'too many': [
    bodyOf(message, ...Array<RawPart>(101).fill(csv)),
    'invalid_message',
    '/attachments',
    'too_many',
  ],
}

test.each(Object.entries(wrong))(
  'a wrong form is refused as in JSON: %s',
  async (_, [body, code, pointer, what]) => {
    const found = await refusal(read(body))
    expect(found.code).toBe(code)
    expect(found.errors.at(-1)).toEqual({ pointer, code: what })
  },
)

test('attachments over the limit are refused together, in parts or in JSON', async () => {
  const half = 'x'.repeat(33 * 1024)
  const tooLarge = { code: 'body_too_large', errors: [] }
  const inJson = { filename: 'a', contentType: 'a/b', content: Buffer.from(half).toString('base64') }
  const part = attachmentPart('a', 'a/b', half)
  for (const parts of [
    [message, part, part],
    [messagePart({ ...good, attachments: [inJson] }), part],
    [messagePart({ ...good, attachments: [inJson, inJson] })],
  ]) {
    expect(await refusal(read(bodyOf(...parts)))).toEqual(tooLarge)
  }
  await read(bodyOf(message, part))
})

test('what is wrong with the message is said before its attachments come', async () => {
  const reader = openBody({ purpose: 'seal', form: { type: 'multipart', boundary } }, limits)
  const begun = bodyOf(messagePart({ ...good, to: [] }), csv).subarray(0, -20)
  expect(await refusal(Promise.resolve(reader.add(Uint8Array.from(begun))))).toMatchObject({
    code: 'invalid_message',
  })
})

test('a body has one fingerprint, whatever its boundary and what stands around it', async () => {
  const parts = [message, csv]
  const { fingerprint } = await read(bodyOf(...parts))
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
  expect((await read(multipartBody('x', parts), [], { named: 'x' })).fingerprint).toBe(fingerprint)
  const around = Buffer.concat([Buffer.from('before\r\n'), bodyOf(...parts), Buffer.from('behind')])
  expect((await read(around, [3])).fingerprint).toBe(fingerprint)
  const others = [
    [message, attachmentPart('cases.csv', 'text/csv', 'a,b\r\n1,3\r\n')],
    [message, attachmentPart('case.csv', 'text/csv', 'a,b\r\n1,2\r\n')],
    [message, attachmentPart('cases.csv', 'text/cs', 'a,b\r\n1,2\r\n')],
    [message, csv, csv],
    [messagePart(`${JSON.stringify(good)} `), csv],
  ]
  for (const other of others) expect((await read(bodyOf(...other))).fingerprint).not.toBe(fingerprint)
})

test('a dry run needs no content', async () => {
  const { message: found } = await read(bodyOf(message), [], { purpose: 'check' })
  expect(found.attachments).toEqual([])
})

test('damaged bodies are read or refused, and always end', async () => {
  const body = bodyOf(messagePart({ ...good, text: 'x' }), csv, attachmentPart('b', 'a/b', 'B'.repeat(300)))
  const piece = fc.constantFrom(
    '\r\n',
    '\r\n\r\n',
    '--',
    `--${boundary}`,
    `\r\n--${boundary}`,
    `\r\n--${boundary}--`,
    ':',
    ' ',
    '\0',
    '',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), fc.nat(20), piece), { maxLength: 3 }),
      fc.nat(),
      async (changes, cut) => {
        const damaged = changes.reduce((bytes, [at, drop, put]) => {
          const from = at % bytes.length
          return Buffer.concat([bytes.subarray(0, from), Buffer.from(put), bytes.subarray(from + drop)])
        }, body)
        const reading = read(damaged, [cut % damaged.length])
        await refusal(
          reading.then(() => Promise.reject(new MessageRefused({ code: 'invalid_message', errors: [] }))),
        )
      },
    ),
    { numRuns: 600 },
  )
})
