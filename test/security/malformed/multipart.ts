import { deflateRawSync } from 'node:zlib'
import { canaryPan as pan } from '../../support/canary.ts'
import { type Malformed, validMessage } from './json.ts'

const boundary = 'b0undary'
const message = Object.fromEntries(Object.entries(validMessage).filter(([name]) => name !== 'attachments'))
const first = `--${boundary}\r\nContent-Disposition: form-data; name="message"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(message)}\r\n`
const second = `--${boundary}\r\nContent-Disposition: form-data; name="attachment"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n${pan}\r\n`
const end = `--${boundary}--\r\n`
const whole = `${first}${second}${end}`

const send = (
  name: string,
  body: string | Buffer,
  type = `multipart/form-data; boundary=${boundary}`,
): Malformed => ({
  name: `multipart: ${name}`,
  headers: { 'content-type': type },
  body,
})

/** Cut off anywhere before the last boundary is whole. */
const truncated = Array.from({ length: whole.length - 4 }, (_, i) => i + 1)
  .filter(at => at % 5 === 1)
  .map(at => send(`cut off after ${at}`, whole.slice(0, at)))

const dispositions = [
  '',
  'form-data',
  'form-data; name=',
  'form-data; name=""',
  'form-data; name="attachment"',
  'form-data; name="attachment"; filename=""',
  'form-data; name="attachment"; filename="../a"',
  'form-data; name="attachment"; filename="a/b"',
  'form-data; name="attachment"; filename="a\\\\b"',
  `form-data; name="attachment"; filename="${pan}.csv"`,
  'form-data; name="attachment"; filename="a"; filename="b"',
  'form-data; name="attachment"; filename*=UTF-8\'\'a',
  'form-data; name="attachment"; filename="a\u0000b"',
  'form-data; name="attachment"; filename="a',
  `form-data; name="${pan}"; filename="a"`,
  'form-data; name="__proto__"; filename="a"',
  'form-data; name="constructor"; filename="a"',
  'form-data; name="message"',
  'form-data; name="message"; filename="a"',
  'form-data; name="attachment[]"; filename="a"',
  'attachment; filename="a"',
  'file; name="attachment"; filename="a"',
  `form-data; name="attachment"; filename="${'a'.repeat(300)}"`,
  `form-data; name="attachment"; filename="${'a'.repeat(20_000)}"`,
].map((value, i) =>
  send(`disposition ${i}`, whole.replace('form-data; name="attachment"; filename="a.csv"', value)),
)

const types = [
  '',
  'text',
  'text/csv; charset=utf-8',
  'multipart/mixed; boundary=x',
  'message/rfc822',
  'text/csv, text/html',
  `text/${pan}`,
].map((value, i) => send(`type of a part ${i}`, whole.replace('text/csv', value)))
const firstParts = [
  second,
  '',
  first.replace('application/json', 'text/plain'),
  first.replace('Content-Type: application/json\r\n', ''),
  first.replace('name="message"', 'name="Message"'),
  first.replace('name="message"', 'name="message"; filename="m.json"'),
  first.replace(JSON.stringify(message), pan),
  first.replace(JSON.stringify(message), ''),
  first.replace(JSON.stringify(message), '{'.repeat(10_000)),
  first.replace(JSON.stringify(message), `{"__proto__":"${pan}"}`),
  first + first,
].map((part, i) => send(`first part ${i}`, `${part}${second}${end}`))
const framings = [
  '',
  pan,
  '\r\n',
  end,
  `--${boundary}`,
  `--${boundary}\r\n`,
  `--${boundary}\r\n\r\n`,
  whole.replaceAll('\r\n', '\n'),
  whole.replaceAll('\r\n', '\r'),
  whole.replaceAll(boundary, 'another'),
  whole.replace(end, `--${boundary}-\r\n`),
  `${first}${`--${boundary}\r\n`.repeat(5_000)}`,
  `${first}${second.repeat(102)}${end}`,
  whole.replace('Content-Type: text/csv', 'Content-Transfer-Encoding: base64\r\nContent-Type: text/csv'),
  whole.replace(
    'Content-Type: text/csv',
    'Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/csv',
  ),
  whole.replace('Content-Type: text/csv', 'Content-Type: text/csv\r\nContent-Type: text/html'),
  whole.replace('Content-Type: text/csv', `X-Long: ${'a'.repeat(100_000)}\r\nContent-Type: text/csv`),
  whole.replace('Content-Type: text/csv', `${'X: y\r\n'.repeat(3_000)}Content-Type: text/csv`),
  whole.replace('Content-Type: text/csv', 'Content-Type text/csv'),
].map((body, i) => send(`framing ${i}`, body))
const contentTypes = [
  'multipart/form-data',
  'multipart/form-data; boundary',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary=""',
  `multipart/form-data; boundary=${'b'.repeat(71)}`,
  `multipart/form-data; boundary="${boundary} "`,
  `multipart/form-data; boundary=${boundary}; boundary=x`,
  `multipart/form-data; boundary=${boundary}; charset=utf-8`,
  `multipart/mixed; boundary=${boundary}`,
  `multipart/form-data, application/json; boundary=${boundary}`,
  'multipart/form-data; boundary=b\u00fc',
].map((type, i) => send(`content type ${i}`, whole, type))

/** A zip that says it holds what would be gigabytes; its checksum is wrong besides. */
function bomb(): Buffer {
  const data = deflateRawSync(Buffer.alloc(50_000_000))
  const name = Buffer.from('a.txt')
  const head = Buffer.alloc(30)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(20, 4)
  head.writeUInt16LE(8, 8)
  head.writeUInt32LE(data.length, 18)
  head.writeUInt32LE(0xfffffffe, 22)
  head.writeUInt16LE(name.length, 26)
  return Buffer.concat([head, name, data])
}
const attached = (content: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`${first}${second.split('\r\n\r\n')[0] ?? ''}\r\n\r\n`),
    content,
    Buffer.from(`\r\n${end}`),
  ])
const bombs = [bomb(), Buffer.concat([bomb(), bomb()])].map((content, i) =>
  send(`bomb ${i}`, attached(content)),
)

/** Bodies of `POST /v1/messages` that are not multipart as it should be, or hold what nobody should open. */
export const malformedMultipart: readonly Malformed[] = [
  ...truncated,
  ...dispositions,
  ...types,
  ...firstParts,
  ...framings,
  ...contentTypes,
  ...bombs,
]
