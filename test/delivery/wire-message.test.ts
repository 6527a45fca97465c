import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { expect, test } from 'vitest'
import { wireMessage } from '../../src/delivery/wire-message.ts'
import { type Address, armour, type Ciphertext } from '../../src/kernel/index.ts'

const outer = {
  from: 'billing@payments.test' as Address,
  to: 'ada@bank.test' as Address,
  date: 'Fri, 20 Nov 2026 20:35:55 +0000',
  messageId: '<0123@gateway.test>',
}
const wire = (
  bytes: Uint8Array,
  format: 'seipdv1' | 'seipdv2' = 'seipdv2',
): { text: string; size: number } => {
  const message = wireMessage(outer, bytes as unknown as Ciphertext, format)
  return { text: Buffer.concat([...message.chunks()]).toString('latin1'), size: message.size }
}

test('a MIME reader finds the two parts of RFC 3156, and the ciphertext in the second', async () => {
  const ciphertext = randomBytes(5000)
  const parsed = await PostalMime.parse(wire(ciphertext).text)
  expect(parsed.subject).toBe('[...]')
  expect(parsed.headers.map(({ key }) => key)).toEqual([
    'from',
    'to',
    'date',
    'message-id',
    'subject',
    'mime-version',
    'content-type',
  ])
  expect(parsed.attachments.map(({ mimeType }) => mimeType)).toEqual([
    'application/pgp-encrypted',
    'application/octet-stream',
  ])
  const armour = Buffer.from(parsed.attachments[1]?.content as ArrayBuffer).toString('latin1')
  expect(armour).toMatch(/^-----BEGIN PGP MESSAGE-----\r?\n\r?\n/)
  const base64 = armour.replace(/-----[A-Z ]+-----/g, '')
  expect(Buffer.from(base64, 'base64').equals(ciphertext)).toBe(true)
})

test('whatever the ciphertext: 7-bit, short lines, CRLF only, the size announced, the same bytes again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), bytes => {
      const { text, size } = wire(bytes)
      expect(text.length).toBe(size)
      expect(wire(bytes).text).toBe(text)
      expect(text).toMatch(/^(?:[\x20-\x7e]{0,78}\r\n)+$/)
    }),
  )
})

test.each([30_719, 30_720, 30_721, 100_000])('%i bytes, in several pieces, make the same armour', length => {
  const bytes = randomBytes(length)
  const { text, size } = wire(bytes)
  expect(text.length).toBe(size)
  const body = /-----BEGIN PGP MESSAGE-----\r\n\r\n([\s\S]*?)-----END/.exec(text)?.[1] ?? ''
  expect(body).toBe(bytes.toString('base64').replace(/.{1,64}/g, '$&\r\n'))
})

test.each([1, 2, 3, 30_720, 100_000])('%i bytes of SEIPDv1 have a checksum', length => {
  const bytes = randomBytes(length)
  const { text, size } = wire(bytes, 'seipdv1')
  expect(text.length).toBe(size)
  expect(text).toContain(armour('MESSAGE', bytes))
  expect(wire(bytes, 'seipdv2').text).toBe(text.replace(/^=.{4}\r\n(?=-----END)/m, ''))
})

test('the boundary depends on the ciphertext alone', () => {
  const bytes = randomBytes(100)
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 40)
  expect(wire(bytes).text).toContain(`boundary="sealpost-${digest}"`)
})
