import { randomBytes } from 'node:crypto'
import PostalMime from 'postal-mime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  body,
  json,
  makeRecipient,
  open,
  openTestSealer,
  resolveTo,
  simple,
  type TestRecipient,
  type TestSealer,
} from './support.ts'

let sealer: TestSealer
let reader: TestRecipient

beforeAll(async () => {
  sealer = await openTestSealer()
  reader = await makeRecipient('reader@bank.test')
})

afterAll(() => sealer.pool.close(1000))

async function sealAndOpen(content: Record<string, unknown>, recipient = reader): Promise<Uint8Array> {
  const { sealed } = await sealer.pool.seal(
    body({ ...simple(recipient), ...content }),
    json,
    resolveTo(recipient),
  )
  const [first] = sealed
  if (first === undefined) throw new Error('nothing sealed')
  return open(first.ciphertext, recipient, sealer.verificationKey)
}

describe('what the recipient decrypts equals what was sent, byte for byte', () => {
  const texts = {
    'a PAN': 'PAN 4111 1111 1111 1111\r\n',
    'mixed line ends': 'a\nb\r\nc\rd\n\n.\r\n..\nFrom here',
    'no line end': 'x'.repeat(5000),
    'beyond ASCII': 'Zürich 東京 🏦 \u{10ffff} \ufeff trailing space ',
    nothing: '',
    controls: '\u0001\u0008\t\u007f\u2028',
  }
  test.each(Object.entries(texts))('text: %s', async (_, text) => {
    const mail = parts(await sealAndOpen({ text }))
    expect(mail).toEqual([{ type: 'text/plain; charset=utf-8', content: Buffer.from(text) }])
  })

  test('text and html, in this order', async () => {
    const mail = parts(await sealAndOpen({ text: 'ä\n', html: '<p>ä</p>\n' }))
    expect(mail.map(part => [part.type, part.content.toString()])).toEqual([
      ['text/plain; charset=utf-8', 'ä\n'],
      ['text/html; charset=utf-8', '<p>ä</p>\n'],
    ])
  })

  test.each([0, 1, 2, 3, 56, 57, 58, 100_000, 3_000_000])('an attachment of %d bytes', async size => {
    const content = randomBytes(size)
    const mime = await sealAndOpen({
      attachments: [
        {
          filename: 'data.bin',
          contentType: 'application/octet-stream',
          content: content.toString('base64'),
        },
      ],
    })
    expect(parts(mime).at(-1)?.content.equals(content)).toBe(true)
  })

  test.each([
    'plain name.pdf',
    'ünïcode "quoted"; x=y.pdf',
    `${'長'.repeat(251)}.pdf`,
    "it's 100%.txt",
    '=?x?=',
  ])('a filename: %s', async filename => {
    const mime = await sealAndOpen({
      attachments: [{ filename, contentType: 'application/pdf', content: 'AAAA' }],
    })
    const mail = await PostalMime.parse(mime)
    expect(mail.attachments.map(attachment => attachment.filename)).toEqual([filename])
  })

  test.each([
    'Statement',
    'Zahlung für März 💶',
    ' leading and trailing ',
    '=?UTF-8?B?eA==?=',
    'x'.repeat(998),
    'é'.repeat(900),
    '',
  ])('a subject: %s', async subject => {
    const mime = await sealAndOpen({ subject })
    expect(decodeSubject(headersOf(mime).get('subject') ?? '')).toBe(subject)
  })

  test('25 MB', async () => {
    const content = randomBytes(18_000_000)
    const mime = await sealAndOpen({
      attachments: [{ filename: 'a', contentType: 'application/zip', content: content.toString('base64') }],
    })
    expect(parts(mime).at(-1)?.content.equals(content)).toBe(true)
  }, 60_000)
})

describe('the sealed entity', () => {
  test('carries the header fields and mirrors the outer ones (RFC 9788)', async () => {
    const mime = await sealAndOpen({ subject: 'Card data', reference: 'batch-7' })
    const head = Buffer.from(mime).toString('latin1').split('\r\n\r\n')[0]
    expect(head?.split('\r\n')).toEqual([
      'From: app@pay.test',
      'To: reader@bank.test',
      'Date: Fri, 20 Nov 2026 20:35:55 +0000',
      'Message-ID: <opaque@gateway.pay.test>',
      'Subject: Card data',
      'HP-Outer: From: gateway@pay.test',
      'HP-Outer: To: reader@bank.test',
      'HP-Outer: Date: Fri, 20 Nov 2026 20:35:55 +0000',
      'HP-Outer: Message-ID: <opaque@gateway.pay.test>',
      'HP-Outer: Subject: [...]',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8;',
      ' hp="cipher"; protected-headers="v1"',
      'Content-Transfer-Encoding: base64',
    ])
  })

  test('is ASCII with CRLF and lines of at most 78', async () => {
    const mime = Buffer.from(
      await sealAndOpen({
        subject: 'é'.repeat(900),
        text: 'ü'.repeat(999),
        attachments: [{ filename: '長'.repeat(200), contentType: 'text/csv', content: 'QUFB' }],
      }),
    )
    expect(mime.every(byte => byte < 128)).toBe(true)
    for (const line of mime.toString('latin1').split('\r\n')) {
      expect(line).not.toMatch(/[\r\n]/)
      expect(line.length).toBeLessThanOrEqual(78)
    }
  })

  test('comes one per recipient, and names no other recipient', async () => {
    const other = await makeRecipient('other@bank.test')
    const content = { ...simple(reader), to: [other.address, reader.address] }
    const { sealed } = await sealer.pool.seal(body(content), json, resolveTo(reader, other))
    expect(sealed.map(one => one.target.outer.to)).toEqual(['other@bank.test', 'reader@bank.test'])
    for (const [i, recipient] of [other, reader].entries()) {
      const mime = await open(sealed[i]?.ciphertext ?? new Uint8Array(), recipient, sealer.verificationKey)
      expect(headersOf(mime).get('to')).toBe(recipient.address)
      const elsewhere = recipient === reader ? other : reader
      expect(Buffer.from(mime).includes(elsewhere.address)).toBe(false)
      await expect(
        open(sealed[i]?.ciphertext ?? new Uint8Array(), elsewhere, sealer.verificationKey),
      ).rejects.toThrow()
    }
  })

  test('is SEIPDv2 for a recipient that reads it', async () => {
    const modern = await makeRecipient('modern@bank.test', 'seipdv2')
    const mime = await sealAndOpen({ text: 'AEAD' }, modern)
    expect(parts(mime)[0]?.content.toString()).toBe('AEAD')
  })

  test('is SEIPDv1 for a recipient that could read v2, when the target says so', async () => {
    const modern = await makeRecipient('modern@bank.test', 'seipdv2')
    const older = { ...modern, target: { ...modern.target, format: 'seipdv1' as const } }
    expect(parts(await sealAndOpen({ text: 'CFB' }, older))[0]?.content.toString()).toBe('CFB')
  })
})

describe('a target that does not hold what it says is not sealed for', () => {
  const wrong: Record<
    string,
    (target: TestRecipient['target'], other: TestRecipient) => TestRecipient['target']
  > = {
    'a subkey of another certificate': (t, other) => ({
      ...t,
      encryptionSubkey: other.target.encryptionSubkey,
    }),
    'another certificate': (t, other) => ({ ...t, certificate: other.target.certificate }),
    'the key id instead of the fingerprint': t => ({ ...t, encryptionSubkey: t.encryptionSubkey.slice(-16) }),
    'a secret key': (t, other) => ({
      ...t,
      certificate: other.privateKey.write(),
      encryptionSubkey: other.target.encryptionSubkey,
    }),
    'no certificate': t => ({ ...t, certificate: new Uint8Array() }),
    'SEIPDv2, which the certificate does not offer': t => ({ ...t, format: 'seipdv2' }),
    'another recipient': (t, other) => ({ ...t, outer: { ...t.outer, to: other.address } }),
  }
  test.each(Object.entries(wrong))('%s', async (_, change) => {
    const other = await makeRecipient('other@bank.test')
    const target = change(reader.target, other)
    const sealing = sealer.pool.seal(body(simple(reader)), json, () => Promise.resolve([target]))
    await expect(sealing).rejects.toMatchObject({ code: 'sealer_unavailable' })
  })

  test('fewer targets than recipients', async () => {
    const content = { ...simple(reader), to: [reader.address, 'second@bank.test'] }
    const sealing = sealer.pool.seal(body(content), json, resolveTo(reader))
    await expect(sealing).rejects.toMatchObject({ code: 'sealer_unavailable' })
  })
})

/** The leaves of a MIME entity: deliberately not a library's reading, which may repair line ends. */
function parts(mime: Uint8Array): { type: string; content: Buffer }[] {
  return leaves(Buffer.from(mime).toString('latin1'))
}

function leaves(entity: string): { type: string; content: Buffer }[] {
  const cut = entity.indexOf('\r\n\r\n')
  const head = headersOf(Buffer.from(entity, 'latin1'))
  const type = (head.get('content-type') ?? '').replace(/; hp=.*/, '')
  const boundary = /boundary="([^"]+)"/.exec(type)?.[1]
  const content = entity.slice(cut + 4)
  if (boundary === undefined) return [{ type, content: Buffer.from(content, 'base64') }]
  return `\r\n${content}`
    .split(`\r\n--${boundary}`)
    .slice(1, -1)
    .flatMap(part => leaves(part.slice(2)))
}

function headersOf(mime: Uint8Array): Map<string, string> {
  const text = Buffer.from(mime).toString('latin1')
  const lines = text
    .slice(0, text.indexOf('\r\n\r\n'))
    .replace(/\r\n (?=\S)/g, ' ')
    .split('\r\n')
  return new Map(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
}

function decodeSubject(value: string): string {
  if (!value.startsWith('=?')) return value
  return value
    .split(' ')
    .map(word => Buffer.from(word.slice(10, -2), 'base64').toString())
    .join('')
}
