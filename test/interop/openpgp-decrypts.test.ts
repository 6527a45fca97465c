import PostalMime from 'postal-mime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wireMessage } from '../../src/delivery/wire-message.ts'
import type { Ciphertext } from '../../src/kernel/index.ts'
import type { SealTarget } from '../../src/sealer/host/index.ts'
import { address, body, json, openTestSealer, type TestSealer } from '../sealer/support.ts'
import { inspect, keyKinds } from './certificates.ts'
import { expectSent } from './expect-sent.ts'
import { openGnuPgReader } from './gnupg.ts'
import { openGosopReader } from './gosop.ts'
import type { OpenReader, PeerKey, Reader } from './peer.ts'
import { samples, submission } from './samples.ts'
import { openSequoiaReader } from './sequoia.ts'

const readers: Readonly<Record<string, OpenReader>> = {
  gpg: openGnuPgReader,
  sq: openSequoiaReader,
  gosop: openGosopReader,
}
const sender = 'app@pay.test'
const mailbox = 'reader@bank.test'

let sealer: TestSealer
let gateway: { certificate: Uint8Array; fingerprint: string }

beforeAll(async () => {
  sealer = await openTestSealer()
  const key = sealer.verificationKey
  gateway = { certificate: key.write(), fingerprint: key.getFingerprint().toUpperCase() }
})

afterAll(() => sealer.pool.close(1000))

describe.each(Object.entries(keyKinds))('with a key by %s', (_, kind) => {
  let key: PeerKey
  let target: SealTarget

  beforeAll(async () => {
    key = await kind.make(mailbox)
    const { encryptionSubkey, format } = await inspect(key.certificate, mailbox)
    if (encryptionSubkey === null || format === null) throw new Error('the certificate is rejected')
    target = { certificate: key.certificate, encryptionSubkey, format, outer }
  })

  test('its certificate is accepted, with the subkey that the program lists', async () => {
    expect(await inspect(key.certificate, mailbox)).toMatchObject({
      verdict: 'accept',
      reasons: [],
      fingerprint: key.fingerprint,
      encryptionSubkey: key.encryptionSubkey,
      algorithm: kind.algorithm,
      // None of the installed peers reads SEIPDv2, so none of their keys may claim to.
      format: 'seipdv1',
    })
  })

  describe.each(Object.entries(readers))('%s', (__, openReader) => {
    let reader: Reader

    beforeAll(async () => {
      reader = await openReader(key.secretKey, gateway.certificate)
    })

    afterAll(() => reader[Symbol.asyncDispose]())

    test.each(Object.entries(samples))('reads what was sent: %s', async (___, sample) => {
      const ciphertext = await seal(submission(sample, sender, mailbox), target)
      const opened = await reader.open(ciphertext)
      await expectSent(opened.content, sample, sender, target.outer)
      expect(gateway.fingerprint.slice(-opened.signer.length)).toBe(opened.signer)

      const armoured = await armourOnTheWire(ciphertext)
      expect((await reader.open(armoured)).content.equals(opened.content)).toBe(true)
    })
  })
})

describe.each(Object.entries(readers))('%s would notice', (_, openReader) => {
  let key: PeerKey
  let ciphertext: Ciphertext
  const text = 'to be trusted'

  beforeAll(async () => {
    key = await keyKinds['sq cv25519']!.make(mailbox)
    const target = {
      certificate: key.certificate,
      encryptionSubkey: key.encryptionSubkey,
      format: 'seipdv1' as const,
      outer,
    }
    ciphertext = await seal(submission({ subject: 's', text }, sender, mailbox), target)
  })

  test('a flipped bit', async () => {
    await using reader = await openReader(key.secretKey, gateway.certificate)
    await expect(reader.open(ciphertext)).resolves.toBeDefined()
    const flipped = Buffer.from(ciphertext)
    flipped[flipped.length - 30]! ^= 1
    await expect(reader.open(flipped)).rejects.toThrow(/ended with [^0]/)
  })

  test('the signature of another gateway', async () => {
    const other = await openTestSealer()
    await other.pool.close(1000)
    await using reader = await openReader(key.secretKey, other.verificationKey.write())
    await expect(reader.open(ciphertext)).rejects.toThrow()
  })

  test("another recipient's key", async () => {
    const other = await keyKinds['sq cv25519']!.make(mailbox)
    await using reader = await openReader(other.secretKey, gateway.certificate)
    await expect(reader.open(ciphertext)).rejects.toThrow(/ended with [^0]/)
  })
})

const outer = {
  from: address('gateway@pay.test'),
  to: address(mailbox),
  date: 'Fri, 20 Nov 2026 20:35:55 +0000',
  messageId: '<opaque@gateway.pay.test>',
}

async function seal(content: object, target: SealTarget): Promise<Ciphertext> {
  const { sealed } = await sealer.pool.seal(body(content), json, () => Promise.resolve([target]))
  return sealed[0]!.ciphertext
}

/** The second part of the PGP/MIME message (RFC 3156 section 4), as a mail program hands it to OpenPGP. */
async function armourOnTheWire(ciphertext: Ciphertext): Promise<Buffer> {
  const wire = Buffer.concat([...wireMessage(outer, ciphertext, 'seipdv1').chunks()])
  const { subject, attachments } = await PostalMime.parse(wire, { attachmentEncoding: 'arraybuffer' })
  expect(subject).toBe('[...]')
  const encrypted = attachments.find(({ mimeType }) => mimeType === 'application/octet-stream')
  return Buffer.from(encrypted?.content as ArrayBuffer)
}
