import { canaryPan as pan } from '../../support/canary.ts'

/** A request that is wrong in one way. `body` alone: a JSON body; the first that is not what it says. */
export interface Malformed {
  readonly name: string
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const from = 'settlement@payments.example'
const valid = {
  from,
  to: ['reader@bank.example'],
  subject: 'Chargeback',
  text: `Card ${pan}`,
  attachments: [{ filename: 'cases.csv', contentType: 'text/csv', content: 'Y2FyZA==' }],
  reference: 'chargeback-1',
}
export const validMessage = valid
const text = JSON.stringify(valid)
const named = (prefix: string, bodies: readonly (string | Buffer)[]): Malformed[] =>
  bodies.map((body, i) => ({ name: `${prefix} ${i}`, body }))

/** Whatever a value can be instead, in JSON. */
const others = [
  'null',
  'true',
  '0',
  '-0',
  pan,
  `-${pan}.5e3`,
  '1e400',
  '""',
  '[]',
  '{}',
  `[[["${pan}"]]]`,
  `{"${pan}":"${pan}"}`,
  `"\\u0000${pan}"`,
  `"${pan}\\r\\nBcc: ${pan}@bank.example"`,
  `"${'4'.repeat(70_000)}"`,
  `["${pan}",null]`,
  `"\\u202e${pan}"`,
]
const fields = ['from', 'to', 'subject', 'attachments', 'reference', 'replyTo', 'expiresAt', 'stripMetadata']
const harmless: Readonly<Record<string, readonly string[]>> = {
  subject: ['""'],
  attachments: ['[]'],
  stripMetadata: ['true'],
}
const wrongValues = fields.flatMap(field =>
  others
    .filter(value => harmless[field]?.includes(value) !== true)
    .map((value, i) => {
      const rest = Object.fromEntries(Object.entries(valid).filter(([name]) => name !== field))
      return {
        name: `${field} of another kind ${i}`,
        body: `{"${field}":${value},${JSON.stringify(rest).slice(1)}`,
      }
    }),
)
const attachmentFields = ['filename', 'contentType', 'content'] as const
const wrongAttachments = attachmentFields.flatMap(field =>
  others
    .filter(value => !(field === 'content' && value === '""'))
    .map((value, i) => {
      const rest = Object.fromEntries(
        Object.entries(valid.attachments[0] ?? {}).filter(([name]) => name !== field),
      )
      const attachment = `{"${field}":${value},${JSON.stringify(rest).slice(1)}`
      return {
        name: `${field} of an attachment of another kind ${i}`,
        body: JSON.stringify({ ...valid, attachments: [] }).replace('[]', `[${attachment}]`),
      }
    }),
)

const prototypeNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'then',
  pan,
  '',
  'From',
  'to\\u0000',
  '\\ud83d\\ude00',
]
const unknownFields = prototypeNames.flatMap(name => [
  { name: `a field named ${name}`, body: `{"${name}":{"from":"${from}"},${text.slice(1)}` },
  { name: `only a field named ${name}`, body: `{"${name}":"${pan}"}` },
  {
    name: `an attachment's field named ${name}`,
    body: text.replace('{"filename"', `{"${name}":"${pan}","filename"`),
  },
])
const duplicates = Object.keys(valid).flatMap(name => {
  const value = JSON.stringify(valid[name as keyof typeof valid])
  const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`
  return [
    { name: `${name} twice`, body: `${text.slice(0, -1)},"${name}":${value}}` },
    { name: `${name} twice, escaped once`, body: `${text.slice(0, -1)},"${escaped}":${value}}` },
    { name: `${name} a hundred times`, body: `${text.slice(0, -1)}${`,"${name}":"${pan}"`.repeat(100)}}` },
  ]
})

const truncated = Array.from({ length: text.length - 1 }, (_, i) => ({
  name: `cut off after ${i + 1}`,
  body: text.slice(0, i + 1),
}))
/** One byte is another; most are not JSON any more, and nobody receives the others. */
const damaged = Array.from({ length: 150 }, (_, i) => {
  const body = Buffer.from(text)
  body[(i * 89) % body.length] = (i * 37 + 128) % 256
  return { name: `damaged ${i}`, body }
})

const deep = [17, 100, 1_000, 100_000].flatMap(depth => [
  '['.repeat(depth),
  '['.repeat(depth) + ']'.repeat(depth),
  '{"a":'.repeat(depth) + pan + '}'.repeat(depth),
  `{"to":${'['.repeat(depth)}"${pan}"${']'.repeat(depth)}}`,
])
const huge = [
  `[${'0,'.repeat(200_000)}0]`,
  `[${'[],'.repeat(100_000)}[]]`,
  `{${Array.from({ length: 20_000 }, (_, i) => `"${i}":1`).join(',')}}`,
  `{"text":"${'\\u0034'.repeat(100_000)}`,
  `{"from":"${'a'.repeat(500_000)}@bank.example"}`,
  `{"to":[${Array.from({ length: 51 }, (_, i) => `"r${i}@bank.example"`).join(',')}],${text.slice(1).replace(/"to":\[[^\]]*\],/, '')}`,
  `{"attachments":[${'{},'.repeat(150)}{}]}`,
  `${' '.repeat(1_000_000)}${pan}`,
  '9'.repeat(1_000_000),
  `{"text":${pan.repeat(10_000)}}`,
  `"${pan.repeat(10_000)}"`,
]

const syntaxes = [
  '',
  ' ',
  '\n',
  pan,
  `"${pan}"`,
  `card ${pan}`,
  'null',
  '[]',
  'NaN',
  'Infinity',
  '-',
  '01',
  '+1',
  '.5',
  '5.',
  '1e',
  '0x10',
  '1_000',
  'True',
  'nul',
  'undefined',
  `{'from':'${pan}'}`,
  `{from:"${pan}"}`,
  '{"a":1,}',
  '[1,]',
  '[,1]',
  '{,}',
  '{"a"}',
  '{"a":}',
  '{"a" 1}',
  '{"a":1 "b":2}',
  '[1 2]',
  '{1:2}',
  '{"a":1}}',
  `{}${pan}`,
  `${text}${text}`,
  `${text},`,
  `/* ${pan} */ ${text}`,
  `// ${pan}\n${text}`,
  `)]}',\n${text}`,
  '"\\x41"',
  '"\\u12"',
  '"\\u+123"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud800\\u0041"',
  '"a\nb"',
  '"a\tb"',
  '"a\u0000b"',
  `"${pan}`,
  '\u000b{}',
  '\u00a0{}',
  '\u2028{}',
  '{"a":1;"b":2}',
  '(1)',
  'function(){}',
  '<message/>',
  `from=${from}&text=${pan}`,
]

const bytes = (...list: readonly number[]): Buffer => Buffer.from(list)
const around = (inside: Buffer): Buffer =>
  Buffer.concat([Buffer.from('{"text":"'), inside, Buffer.from(`${pan}"}`)])
const encodings = [
  Buffer.from(`\ufeff${text}`),
  Buffer.from(text, 'utf16le'),
  Buffer.from(text, 'utf16le').swap16(),
  Buffer.concat([bytes(0xff, 0xfe), Buffer.from(text, 'utf16le')]),
  Buffer.from(Array.from(text, c => [0, 0, 0, c.charCodeAt(0)]).flat()),
  ...[
    bytes(0xff),
    bytes(0xfe),
    bytes(0x80),
    bytes(0xc0, 0x80),
    bytes(0xc1, 0xbf),
    bytes(0xc3),
    bytes(0xe0, 0x80, 0x80),
    bytes(0xed, 0xa0, 0x80),
    bytes(0xed, 0xbf, 0xbf),
    bytes(0xf0, 0x80, 0x80, 0x80),
    bytes(0xf4, 0x90, 0x80, 0x80),
    bytes(0xf8, 0x88, 0x80, 0x80, 0x80),
    bytes(0xe2, 0x82),
    bytes(0),
    bytes(0x1b),
    bytes(0x1f, 0x8b),
  ].map(around),
  // Compressed without saying so.
  bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3),
  bytes(0x78, 0x9c, 3, 0, 0, 0, 0, 1),
  bytes(0x28, 0xb5, 0x2f, 0xfd),
  bytes(0x50, 0x4b, 3, 4),
]

const addresses = [
  '@bank.example',
  'a@',
  'a',
  'a@@bank.example',
  'a b@bank.example',
  '"a"@bank.example',
  'a@[127.0.0.1]',
  'A <a@bank.example>',
  'a@bank.example,b@bank.example',
  'group: a@bank.example;',
  'a(c)@bank.example',
  'a@bänk.example',
  'a@bank..example',
  '.a@bank.example',
  'a.@bank.example',
  `a@${'b'.repeat(300)}.example`,
  `${pan}@bank.example`,
  'a@bank.example\\r\\nRCPT TO:<b@bank.example>',
  'a@bank.example\\u0000',
  'a@-bank.example',
].flatMap(address => [
  `{"to":["${address}"],${text.slice(1).replace(/"to":\[[^\]]*\],/, '')}`,
  `{"from":"${address}",${text.slice(1).replace(/"from":"[^"]*",/, '')}`,
])

const wrongContents = [
  'Y2FyZA',
  'Y2FyZA=',
  'Y2FyZA===',
  'Y2Fy ZA==',
  'Y2Fy\\nZA==',
  'Y2FyZB==',
  'Y2Fy_-==',
  '=',
  '====',
  'é',
  pan.slice(0, 15),
].map(content => text.replace('Y2FyZA==', content))
const wrongNames = [
  '',
  '.',
  '..',
  '../a',
  'a/b',
  'a\\\\b',
  'a\\r\\nb',
  'a\\u0000',
  'a\\u2028',
  `${pan}.csv`,
  'a'.repeat(256),
].map(name => text.replace('cases.csv', name))
const wrongTypes = [
  'text',
  '/',
  'text/',
  'text/csv; charset=utf-8',
  'multipart/mixed',
  'message/rfc822',
  'text/csv\\r\\nX: y',
  `text/${pan}`,
  'a'.repeat(70),
].map(type => text.replace('text/csv', type))

/** Bodies of `POST /v1/messages` that are not a message. */
export const malformedJson: readonly Malformed[] = [
  ...wrongValues,
  ...wrongAttachments,
  ...unknownFields,
  ...duplicates,
  ...truncated,
  ...damaged,
  ...named('deep', deep),
  ...named('huge', huge),
  ...named('no JSON', syntaxes),
  ...named('another encoding', encodings),
  ...named('no address', addresses),
  ...named('no base64', wrongContents),
  ...named('no filename', wrongNames),
  ...named('no media type', wrongTypes),
]
