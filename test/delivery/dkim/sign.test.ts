import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import DKIM from 'nodemailer/lib/dkim'
import { describe, expect, test } from 'vitest'
import { hashRelaxedBody } from '../../../src/delivery/dkim/relaxed.ts'
import { type DkimKey, openDkim } from '../../../src/delivery/dkim/sign.ts'
import { type WireMessage, wireMessage } from '../../../src/delivery/wire-message.ts'
import type { Address, Ciphertext } from '../../../src/kernel/index.ts'
import { faultOf } from '../../support/dkim.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')
const spki = ({ publicKey }: typeof rsa): string =>
  publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
const keyOf = (domain: string, changes: Partial<DkimKey> = {}): DkimKey => ({
  domain,
  selector: 's2026',
  algorithm: 'rsa-sha256',
  key: rsa.privateKey,
  ...changes,
})
const from = 'billing@payments.test' as Address
const outer = {
  from,
  to: 'ada@bank.test' as Address,
  date: 'Fri, 20 Nov 2026 20:35:55 +0000',
  messageId: '<1@gateway.test>',
}
const mailOf = (size: number): WireMessage =>
  wireMessage(outer, randomBytes(size) as unknown as Ciphertext, 'seipdv1')
const mailFrom = (...chunks: string[]): WireMessage => ({
  size: chunks.join('').length,
  chunks: () => chunks.map(chunk => Buffer.from(chunk, 'latin1')),
})
const bytesOf = (message: WireMessage): Buffer => Buffer.concat([...message.chunks()])
const signed = async (message: WireMessage, keys = [keyOf('payments.test')]): Promise<Buffer> =>
  bytesOf(await openDkim(keys, 'gateway.test')(message, from))

describe('a signed mail', () => {
  test.each([1, 2_000, 70_000, 1_000_000])(
    'of %i bytes of ciphertext verifies, and is the mail beneath',
    async size => {
      const message = mailOf(size)
      const sealed = await openDkim([keyOf('payments.test')], 'gateway.test')(message, from)
      const mail = bytesOf(sealed)
      expect(faultOf(mail, spki(rsa))).toBeUndefined()
      expect(sealed.size).toBe(mail.length)
      expect(mail.subarray(-message.size).equals(bytesOf(message))).toBe(true)
      // Piece by piece, however large: no piece is beyond what a message's own are.
      for (const chunk of sealed.chunks()) expect(chunk.length).toBeLessThanOrEqual(70_000)
    },
  )

  test('is the same bytes each time', async () => {
    const message = mailOf(2_000)
    expect((await signed(message)).equals(await signed(message))).toBe(true)
    expect((await signed(message)).toString('latin1')).not.toMatch(/[ ;][tx]=/)
  })

  test('by Ed25519 verifies, too (RFC 8463)', async () => {
    const key = keyOf('payments.test', { algorithm: 'ed25519-sha256', key: ed25519.privateKey })
    expect(faultOf(await signed(mailOf(100), [key]), spki(ed25519))).toBeUndefined()
  })

  test('keeps to the line lengths of RFC 5322', async () => {
    const lines = (await signed(mailOf(100))).toString('latin1').split('\r\n')
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(78)
  })

  const changes: Record<string, [(mail: string) => string, string]> = {
    'a character of the ciphertext': [mail => mail.replace(/(MESSAGE-----\r\n\r\n)(.)/, '$1%'), 'body'],
    'the recipient': [mail => mail.replace('To: ada@', 'To: eve@'), 'signature'],
    'the date': [mail => mail.replace('20:35:55', '20:35:56'), 'signature'],
    'the content type': [mail => mail.replace('multipart/encrypted', 'multipart/mixed'), 'signature'],
    'a second From above': [mail => `From: ceo@payments.test\r\n${mail}`, 'signature'],
    'a second From below': [
      mail => mail.replace('\r\n\r\n', '\r\nFrom: ceo@payments.test\r\n\r\n'),
      'signature',
    ],
    'a Reply-To': [mail => `Reply-To: eve@evil.test\r\n${mail}`, 'signature'],
    'a second Subject': [mail => `Subject: pay now\r\n${mail}`, 'signature'],
    'the domain that signs': [mail => mail.replace('d=payments.test', 'd=payments.text'), 'signature'],
  }
  test.each(Object.entries(changes))(
    'does not verify any more after a change of %s',
    async (_, [change, fault]) => {
      const mail = await signed(mailOf(500))
      const changed = change(mail.toString('latin1'))
      expect(changed).not.toBe(mail.toString('latin1'))
      expect(faultOf(Buffer.from(changed, 'latin1'), spki(rsa))).toBe(fault)
    },
  )

  test('survives what relays do to blanks and folding', async () => {
    const mail = (
      await signed(mailFrom('From: a@payments.test\r\nSubject: x  y\r\n\r\n', 'one  two\r\nend\r\n\r\n'))
    )
      .toString('latin1')
      .replace('Subject: x  y', 'Subject:\tx\r\n y ')
      .replace('one  two', 'one \t two   ')
    expect(faultOf(Buffer.from(`${mail}\r\n\r\n`, 'latin1'), spki(rsa))).toBeUndefined()
  })
})

describe('the key is that of', () => {
  const domainOf = async (keys: readonly DkimKey[]): Promise<string | undefined> => {
    const mail = (await signed(mailOf(10), [...keys])).toString('latin1')
    return /^DKIM-Signature:.* d=([^;]+);/.exec(mail)?.[1]
  }
  test.each<[string, string[], string | undefined]>([
    ['the domain in From', ['gateway.test', 'payments.test', 'test'], 'payments.test'],
    ['the nearest domain above it', ['gateway.test', 'test'], 'test'],
    ['the mail host', ['gateway.test', 'other.test'], 'gateway.test'],
    ['nobody: then the mail goes as it is', ['other.test', 'ents.test', 'x.payments.test'], undefined],
    ['nobody, when there is none', [], undefined],
  ])('%s', async (_, domains, expected) => {
    expect(await domainOf(domains.map(domain => keyOf(domain)))).toBe(expected)
  })
})

describe('the hash of a body', () => {
  const hashOf = (...chunks: string[]): string => {
    const hash = hashRelaxedBody()
    for (const chunk of chunks) hash.update(Buffer.from(chunk, 'latin1'))
    return hash.digest()
  }

  test('is that of RFC 6376 section 3.4.4 for nothing, and of RFC 8463 appendix A for its example', () => {
    const nothing = createHash('sha256').digest('base64')
    for (const body of ['', '\r\n', '\r\n\r\n\r\n', ' \r\n\t\r\n', '  ']) expect(hashOf(body)).toBe(nothing)
    const example = 'Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n'
    expect(hashOf(example)).toBe('2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=')
  })

  test('is the one of nodemailer, whatever the body, and wherever it is cut', async () => {
    const parts = ['a', ' ', '\t', '\r\n', '\r\n', '.', 'BEGIN', '\xe4', ' \r\n']
    const pick = (): string => parts[randomBytes(1).readUInt8() % parts.length] ?? ''
    for (let round = 0; round < 300; round++) {
      const pieces = Array.from({ length: randomBytes(1).readUInt8() % 40 }, pick)
      const signer = new DKIM({
        domainName: 'a.test',
        keySelector: 's',
        privateKey: rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      })
      const theirs = (
        await buffer(signer.sign(Buffer.from(`From: a@a.test\r\n\r\n${pieces.join('')}`, 'latin1')))
      ).toString('latin1')
      expect({ pieces, hash: hashOf(...pieces) }).toEqual({ pieces, hash: /bh=([^;]+);/.exec(theirs)?.[1] })
    }
  })
})
