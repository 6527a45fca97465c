import { randomBytes } from 'node:crypto'
import { readKey } from 'openpgp'
import { expect, test } from 'vitest'
import { certificatePolicy, loadPolicy } from '../../src/policy/index.ts'
import { generateSigningKey, inspectCertificate } from '../../src/sealer/host/index.ts'
import { SealerProcess } from '../../src/sealer/host/sealer-process.ts'
import { address, json, makeRecipient } from './support.ts'

const policy = certificatePolicy(loadPolicy('standard'))

test('a certificate is judged in a process of its own', async () => {
  const reader = await makeRecipient('reader@bank.test')
  const at = new Date(Date.now() + 60_000)
  const verdict = await inspectCertificate(reader.target.certificate, reader.address, at, policy)
  expect(verdict).toMatchObject({ verdict: 'accept', encryptionSubkey: reader.target.encryptionSubkey })
  const mismatch = await inspectCertificate(reader.target.certificate, address('x@bank.test'), at, policy)
  expect(mismatch.verdict).toBe('reject')
})

test('a file over 64 KiB is answered without reading it', async () => {
  const verdict = await inspectCertificate(
    new Uint8Array(65_537),
    address('a@bank.test'),
    new Date(0),
    policy,
  )
  expect(verdict).toMatchObject({ verdict: 'reject', reasons: ['too_large'] })
})

const attachmentBytes = 1024 * 1024

test('a generated key leaves its process wrapped only', async () => {
  const { wrapped, certificate } = await generateSigningKey(address('gateway@pay.test'), randomBytes(32))
  const key = await readKey({ binaryKey: certificate })
  expect(key.isPrivate()).toBe(false)
  expect(key.getFingerprint().toUpperCase()).toBe(wrapped.fingerprint)
  expect(key.getAlgorithmInfo()).toEqual({ algorithm: 'eddsaLegacy', curve: 'ed25519Legacy' })
  expect(key.keyPacket.version).toBe(4)
  expect(key.subkeys).toEqual([])
  await expect(readKey({ binaryKey: new Uint8Array(wrapped.sealed) })).rejects.toThrow()
})

test('a process without a key seals nothing', async () => {
  const process = new SealerProcess(64)
  const job = process.beginJob()
  await process.send({
    type: 'body',
    job,
    bytes: new Uint8Array(),
    last: true,
    task: { purpose: 'seal', form: json },
  })
  await expect(process.answer(job, 5000)).resolves.toEqual({ type: 'failed', job })
  process.kill()
  await process.gone
})

test("a process with a key parses no stranger's certificate", async () => {
  const keyEncryptionKey = randomBytes(32)
  const { wrapped } = await generateSigningKey(address('gateway@pay.test'), keyEncryptionKey)
  const process = new SealerProcess(64)
  await expect(process.open({ wrapped, keyEncryptionKey, attachmentBytes })).resolves.toBe('ready')
  const job = process.beginJob()
  await process.send({
    type: 'inspect',
    job,
    certificate: new Uint8Array(9),
    address: address('a@bank.test'),
    at: 0,
    policy,
    context: {},
  })
  await expect(process.answer(job, 5000)).resolves.toEqual({ type: 'failed', job })
  process.kill()
  await process.gone
})

test.each(['ciphertext', 'tag', 'nonce', 'fingerprint', 'key'])(
  'an altered wrapping opens nothing: %s',
  async what => {
    const keyEncryptionKey = randomBytes(32)
    const { wrapped } = await generateSigningKey(address('gateway@pay.test'), keyEncryptionKey)
    const flip = (bytes: Uint8Array, at: number) =>
      Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte))
    const process = new SealerProcess(64)
    const greeting = await process.open({
      wrapped: {
        fingerprint: what === 'fingerprint' ? 'A'.repeat(40) : wrapped.fingerprint,
        nonce: what === 'nonce' ? flip(wrapped.nonce, 0) : wrapped.nonce,
        sealed:
          what === 'ciphertext'
            ? flip(wrapped.sealed, 0)
            : what === 'tag'
              ? flip(wrapped.sealed, wrapped.sealed.length - 1)
              : wrapped.sealed,
      },
      keyEncryptionKey: what === 'key' ? randomBytes(32) : keyEncryptionKey,
      attachmentBytes,
    })
    expect(greeting).toBe('key_refused')
    process.kill()
    await process.gone
  },
)
