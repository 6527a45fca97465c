import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { describe, expect, test } from 'vitest'
import type { Address } from '../../src/kernel/index.ts'
import { displayName, encodeWords, quotedPrintable } from '../../src/notices/encode.ts'
import { challengeText, type Notice, type NoticeOuter, renderNotice } from '../../src/notices/index.ts'
import { examples, operatorKinds, noticeSender as sender, token } from '../support/notices.ts'

const outer: NoticeOuter = {
  from: sender.from,
  to: 'ada@bank.test' as Address,
  date: 'Fri, 20 Nov 2026 20:35:55 +0000',
  messageId: '<ntc@mail.acme.test>',
}
const render = (kind: Notice['kind'], fields: unknown = examples[kind], from = sender): string =>
  Buffer.from(renderNotice(kind, fields, from, outer)).toString('latin1')
const kinds = Object.keys(examples) as Notice['kind'][]

describe.each(kinds)('the notice %s', kind => {
  test('is one plain mail of 7 bits, short lines and CRLF', async () => {
    const mail = render(kind)
    expect(mail).toMatch(/^(?:[\x20-\x7e]{0,200}\r\n)+$/)
    const parsed = await PostalMime.parse(mail)
    expect(parsed).toMatchObject({
      from: { address: sender.from, name: sender.organisation },
      to: [{ address: outer.to }],
      messageId: outer.messageId,
      attachments: [],
    })
    expect(parsed.date).toBe('2026-11-20T20:35:55.000Z')
    expect(parsed.html).toBeUndefined()
    expect(parsed.headers.map(({ key }) => key)).toEqual([
      'from',
      'to',
      'date',
      'message-id',
      'subject',
      'mime-version',
      'content-type',
      'content-transfer-encoding',
      'content-language',
      'auto-submitted',
    ])
  })

  test('says who we are and why it came; to a recipient, how to stop', async () => {
    const { text = '', subject = '' } = await PostalMime.parse(render(kind))
    expect(text).toMatch(/-- \nSealpost, the secure mail gateway of Acme Payments\./)
    expect(text).toContain('You get this because')
    expect(subject).not.toBe('')
    const { stopToken } = examples[kind] as { stopToken?: string }
    const about = operatorKinds.includes(kind) || kind === 'revoked' || kind === 'unenrolled'
    expect(stopToken === undefined).toBe(about)
    if (stopToken !== undefined) expect(text).toContain(`\n${sender.publicUrl}/stop/${stopToken}\n`)
  })

  test('leads nowhere but to us', async () => {
    const { text = '' } = await PostalMime.parse(render(kind))
    const links = text.match(/\w+:\/\/\S+/g) ?? []
    for (const link of links) expect(link.startsWith(`${sender.publicUrl}/`)).toBe(true)
  })

  test('takes no other field, and no field of another form', () => {
    expect(() => render(kind, { ...examples[kind], text: 'free' })).toThrow(TypeError)
    for (const field of Object.keys(examples[kind])) {
      for (const value of [undefined, {}, 'two\r\nlines', 'a\u0000', '', 'x'.repeat(300)]) {
        expect(() => render(kind, { ...examples[kind], [field]: value })).toThrow(TypeError)
      }
    }
  })

  test('is the same from the database as from its caller', () => {
    expect(render(kind, JSON.parse(JSON.stringify(examples[kind])))).toBe(render(kind))
  })
})

test('a name beyond ASCII is encoded, in the header and in the text', async () => {
  const organisation = `Société Générale d’Électricité – Zürich, 株式会社 ${'ü'.repeat(60)}`
  const mail = render(
    'invitation',
    { ...examples.invitation, organisation: 'Bäckerei "Süß" =?x?=' },
    {
      ...sender,
      organisation,
    },
  )
  expect(mail).toMatch(/^(?:[\x20-\x7e]{0,76}\r\n)+$/)
  const parsed = await PostalMime.parse(mail)
  expect(parsed.from?.name).toBe(organisation)
  expect(parsed.text?.replaceAll('\n', ' ')).toContain('Bäckerei "Süß" =?x?=')
  expect(parsed.text).toContain(`\n${sender.publicUrl}/enrol/${examples.invitation.enrolToken}\n`)
})

test.each([
  'Acme\r\nBcc: eve@evil.test',
  'Acme\nX: y',
  'Acme\rX',
  'Acme\u0000',
  'Acme\u2028Bcc: x',
  'Acme\u0085x',
  'Acme \u202egnp.exe',
  'Acme\u200b',
  ' Acme',
  '\ud800',
  'Card 4111 1111 1111 1111',
])('an organisation of more than one plain line is refused: %j', organisation => {
  expect(() => render('invitation', { ...examples.invitation, organisation })).toThrow(TypeError)
  expect(() => render('activated', examples.activated, { ...sender, organisation })).toThrow(TypeError)
})

test('no name makes another header, another part or an address', async () => {
  const names = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.constantFrom(
      'a" <eve@evil.test>, "b',
      'a, eve@evil.test',
      '=?utf-8?Q?=0D=0ABcc:x?=',
      '<>',
      '\\',
      '\\"',
      '(c)',
    ),
  )
  await fc.assert(
    fc.asyncProperty(names, async organisation => {
      let mail: string
      try {
        mail = render('activated', examples.activated, { ...sender, organisation })
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        return
      }
      const parsed = await PostalMime.parse(mail)
      expect(parsed.headers).toHaveLength(10)
      expect(parsed.from?.address).toBe(sender.from)
      expect(parsed.to).toEqual([{ address: outer.to, name: '' }])
      expect(mail).toMatch(/^[\x20-\x7e\r\n]*$/)
    }),
    { numRuns: 300 },
  )
})

test('any text comes back from the encodings as it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 300 }), async text => {
      const line = `a${text.toWellFormed().replace(/[\p{Cc}\u2028\u2029]/gu, '')} b`
      const body = quotedPrintable(`${line}\n${line}`)
      expect(body).toMatch(/^(?:[\x20-\x7e]{0,76}\r\n)*[\x20-\x7e]{0,76}$/)
      const mail = `Subject: ${encodeWords(line)}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${body}`
      const parsed = await PostalMime.parse(mail)
      expect(parsed.text?.replace(/\n$/, '')).toBe(`${line}\n${line}`)
    }),
    { numRuns: 200 },
  )
  expect(displayName('a "b" \\c')).toBe('"a \\"b\\" \\\\c"')
})

test('the challenge, which is sealed, holds the link and the code', () => {
  const fields = { until: new Date('2027-05-03T14:05:00Z'), proveToken: token(), stopToken: token() }
  const { subject, text } = challengeText(fields, sender)
  expect(subject).toBe('Confirm your OpenPGP key')
  expect(text).toContain(`\n${sender.publicUrl}/prove/${fields.proveToken}\n`)
  expect(text).toContain(`\n\n${fields.proveToken}\n\n`)
  expect(text).toContain('until 3 May 2027, 14:05 UTC')
})
