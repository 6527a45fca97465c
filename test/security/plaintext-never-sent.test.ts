import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  constant,
  oneof,
  option,
  record,
  string,
  uint8Array,
} from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Correspondent } from '../../src/demo/index.ts'
import { issueServerCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { eventually } from '../support/locks.ts'
import { type HostileServer, type ScriptedClient, startHostile } from '../support/smtp-sink.ts'

let house: House
let server: HostileServer
let to: Correspondent
let mails = 0
beforeAll(async () => {
  house = await openHouse()
  const identity = await issueServerCertificate(house.mailAuthority, { dnsNames: ['localhost'], days: 1 })
  server = await startHostile(identity, politeServer)
  to = await house.addRecipient('disputes@acquirer.example', server.port)
})
afterAll(async () => {
  await house.close()
  await server.stop()
})

/** Every kind of text that a message may have in that field. */
const line = (maxLength: number): Arbitrary<string> =>
  oneof(
    string({ unit: 'grapheme', maxLength }),
    string({ unit: 'grapheme-ascii', minLength: 1, maxLength }),
  ).filter(
    text =>
      !/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069/\\]/.test(text) && text.length <= maxLength,
  )
const text = oneof(
  string({ unit: 'grapheme', maxLength: 3000 }),
  string({ unit: 'grapheme-ascii', maxLength: 3000 }),
  constant('\r\n.\r\nMAIL FROM:<evil@x.example>\r\n'),
  constant('-----END PGP MESSAGE-----\r\n--sealpost\r\nContent-Type: text/plain\r\n\r\n4111111111111111'),
).filter(value => !value.includes('\0'))
const message = record({
  subject: line(200),
  text,
  html: option(text, { nil: undefined }),
  attachments: array(
    record({
      filename: line(60).map(name => `${name}.bin`),
      contentType: constant('application/pdf'),
      content: uint8Array({ maxLength: 3000 }).map(bytes => Buffer.from(bytes).toString('base64')),
    }),
    { maxLength: 3 },
  ),
})

/** All that a mail server may be told, byte for byte but for ids, date and base64. */
const session = new RegExp(
  [
    String.raw`^EHLO gateway\.test\r\n`,
    String.raw`(?:MAIL FROM:<settlement@payments\.example>(?: SIZE=\d+)?\r\n`,
    String.raw`RCPT TO:<disputes@acquirer\.example>\r\nDATA\r\n`,
    String.raw`From: settlement@payments\.example\r\n`,
    String.raw`To: disputes@acquirer\.example\r\n`,
    String.raw`Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000\r\n`,
    String.raw`Message-ID: <[0-9a-z]{26,32}@gateway\.test>\r\n`,
    String.raw`Subject: \[\.\.\.\]\r\n`,
    String.raw`MIME-Version: 1\.0\r\n`,
    String.raw`Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";\r\n boundary="(sealpost-[0-9a-f]{40})"\r\n\r\n`,
    String.raw`--\1\r\nContent-Type: application/pgp-encrypted\r\nContent-Transfer-Encoding: 7bit\r\n\r\nVersion: 1\r\n\r\n`,
    String.raw`--\1\r\nContent-Type: application/octet-stream; name="encrypted\.asc"\r\n`,
    String.raw`Content-Disposition: inline; filename="encrypted\.asc"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n`,
    String.raw`-----BEGIN PGP MESSAGE-----\r\n\r\n(?:[A-Za-z0-9+/]{64}\r\n)*[A-Za-z0-9+/]{1,64}={0,2}\r\n(?:=[A-Za-z0-9+/]{4}\r\n)?-----END PGP MESSAGE-----\r\n`,
    String.raw`--\1--\r\n\.\r\n)*(?:QUIT\r\n)?(?=$|EHLO)`,
  ].join(''),
)

test('whatever is posted, the server gets the outer template around ciphertext, and not one word of the content', async () => {
  await assert(
    asyncProperty(message, async content => {
      const start = server.secret().length
      const before = mails
      const answer = await house.client.post({ from: house.sender, to: [to.address], ...content })
      expect(answer).toMatchObject({ status: 202 })
      await eventually('the mail', () => mails > before)
      const sent = server.secret().slice(start)
      const armour = /-----BEGIN PGP MESSAGE-----[^]*-----END PGP MESSAGE-----/.exec(sent)?.[0] ?? ''
      const mail = { from: '', to: [], bytes: Buffer.from(armour) }
      const read = await house.read(to, mail)
      expect(spaced(read.subject ?? '')).toBe(spaced(content.subject))
      // 48 bits by chance: a word of eight letters is in no base64 that we shall see.
      const words = JSON.stringify(content).match(/[A-Za-z0-9+/]{8,}/g) ?? []
      expect(words.filter(word => sent.includes(word) && !allowed.includes(word))).toEqual([])
    }),
    { numRuns: 25, endOnFailure: true },
  )
  expect(mails).toBeGreaterThanOrEqual(25)
  expect(everySession(server.secret())).toBe('')
  expect(server.clear()).toMatch(/^(?:EHLO gateway\.test\r\nSTARTTLS\r\n[^]*?)+$/)
})

test('the template can tell: one word more and it does not match', () => {
  const one = server.secret()
  expect(everySession(one.replace('MIME-Version: 1.0\r\n', 'MIME-Version: 1.0\r\nX-Card: 1\r\n'))).not.toBe(
    '',
  )
  expect(everySession(one.replace('\r\n\r\n-----BEGIN', '\r\n\r\nRefund\r\n-----BEGIN'))).not.toBe('')
  expect(everySession(`${one}MAIL FROM:<a@b.example>\r\n`)).not.toBe('')
})

/** Words of the messages above that the template has as well. */
const allowed = [
  'sealpost',
  'Content',
  'Message',
  'application/pdf',
  'filename',
  'contentType',
  'attachments',
]

/** Mail programs differ in the white space of a subject. */
function spaced(subject: string): string {
  return subject.replace(/\s+/g, ' ').trim()
}

/** What is left of a transcript once every session that matches is taken off. */
function everySession(transcript: string): string {
  let rest = transcript
  for (let match = session.exec(rest); match !== null && match[0] !== ''; match = session.exec(rest)) {
    rest = rest.slice(match[0].length)
  }
  return rest.slice(0, 300)
}

async function politeServer(client: ScriptedClient): Promise<void> {
  client.send('220 mx ESMTP\r\n')
  for (let line = await client.line(); line !== undefined; line = await client.line()) {
    if (line.startsWith('EHLO')) client.send('250-mx\r\n250-SIZE 67108864\r\n250 STARTTLS\r\n')
    else if (line === 'STARTTLS') {
      client.send('220 go\r\n')
      await client.startTls()
    } else if (line === 'DATA') {
      client.send('354 go\r\n')
      for (let content = await client.line(); content !== '.'; content = await client.line()) {
        if (content === undefined) return
      }
      mails++
      client.send('250 ok\r\n')
    } else if (line === 'QUIT') {
      client.send('221 bye\r\n')
      return
    } else client.send('250 ok\r\n')
  }
}
