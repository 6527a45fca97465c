import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import PostalMime, { type Email } from 'postal-mime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Plaintext } from '../../src/kernel/index.ts'
import type { BodyForm } from '../../src/sealer/host/index.ts'
import { attachmentPart, messagePart, multipartBody } from '../support/multipart.ts'
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

const MB = 1024 * 1024
const form = { type: 'multipart', boundary: 'B0undary' } as const

let sealer: TestSealer
let reader: TestRecipient

beforeAll(async () => {
  sealer = await openTestSealer()
  reader = await makeRecipient('reader@bank.test')
})
afterAll(() => sealer.pool.close(1000))

async function* chunks(bytes: Uint8Array, size = 60_000): AsyncGenerator<Plaintext> {
  for (let at = 0; at < bytes.length; at += size)
    yield await Promise.resolve(new Plaintext(Uint8Array.from(bytes.subarray(at, at + size))))
}

async function sealed(
  content: AsyncIterable<Plaintext>,
  as: BodyForm,
): Promise<{ mime: string; mail: Email }> {
  const found = await sealer.pool.seal(content, as, resolveTo(reader))
  const opened = await open(found.sealed[0]?.ciphertext ?? new Uint8Array(), reader, sealer.verificationKey)
  return { mime: Buffer.from(opened).toString('latin1'), mail: await PostalMime.parse(opened) }
}

const envelope = { from: 'app@pay.test', to: ['reader@bank.test'], subject: 'Statement' }

describe('multipart', () => {
  test('attachments read as they were sent, under their names', async () => {
    const files = [randomBytes(3 * MB), randomBytes(0), randomBytes(57)]
    const parts = files.map((file, i) => attachmentPart(`Zürich ${i}.bin`, 'application/octet-stream', file))
    const { mail } = await sealed(
      chunks(multipartBody(form.boundary, [messagePart({ ...envelope, text: 'See there' }), ...parts])),
      form,
    )
    expect(mail.attachments.map(({ filename }) => filename)).toEqual([
      'Zürich 0.bin',
      'Zürich 1.bin',
      'Zürich 2.bin',
    ])
    for (const [i, { content }] of mail.attachments.entries())
      expect(Buffer.from(content as ArrayBuffer).equals(files[i] ?? Buffer.alloc(1))).toBe(true)
  })

  test('a wrong message is refused while its attachments are still coming', async () => {
    let ended = false
    async function* endless() {
      try {
        yield* chunks(
          multipartBody(form.boundary, [
            messagePart({ ...envelope, to: [] }),
            attachmentPart('a', 'a/b', ''),
          ]).subarray(0, -20),
        )
        for (;;) yield await Promise.resolve(new Plaintext(new Uint8Array(1000)))
      } finally {
        ended = true
      }
    }
    await expect(sealer.pool.check(endless(), form)).rejects.toMatchObject({
      code: 'invalid_message',
      details: { errors: [{ pointer: '/to', code: 'required' }] },
    })
    expect(ended).toBe(true)
    expect(sealer.pool.load()).toEqual({ inFlight: 0, waiting: 0 })
  })

  test('card data is looked for in parts and in their names', async () => {
    const parts = [messagePart(envelope), attachmentPart('a.csv', 'text/csv', 'Card 4111 1111 1111 1111')]
    await expect(sealer.pool.check(chunks(multipartBody(form.boundary, parts)), form)).resolves.toMatchObject(
      {
        cards: { count: 1, brands: ['visa'], unread: [] },
      },
    )
    const named = [messagePart(envelope), attachmentPart('4111111111111111.csv', 'text/csv', 'CVV2: 123')]
    await expect(sealer.pool.check(chunks(multipartBody(form.boundary, named)), form)).rejects.toMatchObject({
      code: 'sad_detected',
      details: { errors: [{ pointer: '/attachments/0/content', code: 'card_verification_code' }] },
    })
  })
})

describe('a dry run', () => {
  test('says what a message is, without content, and seals nothing', async () => {
    const expiresAt = '2027-03-01T12:00:00.5+01:00'
    const facts = await sealer.pool.check(body({ ...envelope, replyTo: 'desk@pay.test', expiresAt }), json)
    expect(facts).toMatchObject({
      from: 'app@pay.test',
      to: ['reader@bank.test'],
      replyTo: 'desk@pay.test',
      expiresAt: Date.parse(expiresAt),
      cards: { count: 0, brands: [], unread: [] },
    })
    expect(sealer.pool.load()).toEqual({ inFlight: 0, waiting: 0 })
  })

  test('refuses what would be refused', async () => {
    const sealing = sealer.pool.check(body({ ...envelope, subject: 'Card 4111 1111 1111 1111' }), json)
    await expect(sealing).rejects.toMatchObject({ code: 'pan_not_allowed_here' })
  })
})

describe('what is sealed', () => {
  test('is HTML with a text made of it, when none was given', async () => {
    const { mail } = await sealed(body({ ...envelope, html: '<p>Card <b>4111</b> 1111 1111 1111</p>' }), json)
    expect(mail.html).toBe('<p>Card <b>4111</b> 1111 1111 1111</p>')
    expect(mail.text).toContain('1111 1111 1111')
  })

  test('says inside, and there only, whom answers go to', async () => {
    const { mail, mime } = await sealed(body({ ...simple(reader), replyTo: 'desk@pay.test' }), json)
    expect(mail.replyTo).toMatchObject([{ address: 'desk@pay.test' }])
    expect(mime).not.toMatch(/HP-Outer: Reply-To/i)
  })

  test('has no metadata in its attachments, when that was asked for', async () => {
    const at = (filename: string, contentType: string, content: Uint8Array) => ({
      filename,
      contentType,
      content: Buffer.from(content).toString('base64'),
    })
    const attachments = [
      at('a.txt', 'text/plain', Buffer.from('as it is')),
      at('a.gif', 'image/gif', commentedGif),
    ]
    const { mail } = await sealed(body({ ...envelope, attachments, stripMetadata: true }), json)
    const [text, gif] = mail.attachments.map(({ content }) =>
      Buffer.from(content as ArrayBuffer).toString('latin1'),
    )
    expect(text).toBe('as it is')
    expect(gif).toMatch(/^GIF89a/)
    expect(gif).not.toContain('by Jane Doe')
    const kept = await sealed(body({ ...envelope, attachments, stripMetadata: false }), json)
    expect(
      kept.mail.attachments
        .map(({ content }) => Buffer.from(content as ArrayBuffer).toString('latin1'))
        .join(),
    ).toContain('by Jane Doe')
  })

  test('is nothing, when metadata cannot be removed', async () => {
    const parts = [
      messagePart({ ...envelope, stripMetadata: true }),
      attachmentPart('a.txt', 'text/plain', 'text'),
      attachmentPart('a.bin', 'application/octet-stream', randomBytes(100)),
    ]
    await expect(sealer.pool.check(chunks(multipartBody(form.boundary, parts)), form)).rejects.toMatchObject({
      code: 'metadata_not_removable',
      details: { errors: [{ pointer: '/attachments/1/content', code: 'metadata_not_removable' }] },
    })
  })
})

describe('memory', () => {
  test('a sealer has the attachments in memory once', async () => {
    const large = await openTestSealer({}, 1, 100 * MB)
    try {
      const [pid = 0] = large.pool.pids()
      await large.pool.seal(body(simple(reader)), json, resolveTo(reader))
      const before = peakOf(pid)
      const size = 64 * MB
      async function* long() {
        const begun = multipartBody(form.boundary, [
          messagePart(envelope),
          attachmentPart('a.csv', 'text/csv', ''),
        ])
        const end = Buffer.from(`\r\n--${form.boundary}--\r\n`)
        yield* chunks(begun.subarray(0, -end.length))
        for (let left = size; left > 0; left -= line.length) yield* chunks(line)
        yield* chunks(end)
      }
      const line = Buffer.alloc(64 * 1024, '2026-11-20;settlement;EUR;1234.56\r\n')
      const {
        sealed: [only],
      } = await large.pool.seal(long(), form, resolveTo(reader))
      expect(only?.ciphertext.length).toBeGreaterThan(size)
      // Beside them what encrypts them piece by piece, and what is garbage meanwhile: 50 to 70 MB.
      expect(peakOf(pid) - before).toBeLessThan(size + 120 * MB)
    } finally {
      await large.pool.close(1000)
    }
  }, 120_000)
})

/** The most memory that a process ever had, in bytes. */
function peakOf(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+([0-9]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** One transparent pixel, and a comment. */
const commentedGif = Buffer.concat([
  Buffer.from('GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1'),
  Buffer.from('!\xfe\x0bby Jane Doe\0', 'latin1'),
  Buffer.from(',\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;', 'latin1'),
])
