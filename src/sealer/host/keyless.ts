import type { Address } from '../../kernel/index.ts'
import type { CertificatePolicy, CertificateVerdict, FromSealer, ToSealer, WrappedKey } from '../protocol.ts'
import { SealerProcess } from './sealer-process.ts'
import { isTooLarge, tooLarge, unexpected } from './unread.ts'
import { installedWeakRsaList, withoutWeakRsa } from './weak-rsa.ts'

const limit = 10_000
const heapMegabytes = 64

/**
 * The verdict on a file that claims to be an OpenPGP certificate for `address` at the time `at`. The file is parsed in a
 * process of its own that has no key and lives for this one question. Throws `sealer_unavailable` when
 * that process needs more than 10 seconds or more memory than it has.
 */
export async function inspectCertificate(
  bytes: Uint8Array,
  address: Address,
  at: Date,
  policy: CertificatePolicy,
): Promise<CertificateVerdict> {
  if (isTooLarge(bytes)) return tooLarge
  const question = { type: 'inspect', certificate: bytes, address, at: at.getTime(), policy } as const
  const answer = await ask(job => ({ ...question, job, context: {} }))
  if (answer.type !== 'inspected') throw unexpected(answer)
  return withoutWeakRsa(answer.verdict, installedWeakRsaList())
}

/**
 * Makes a signing key for the gateway; the secret part leaves its process only wrapped under `keyEncryptionKey`
 * (32 bytes). Also returns the certificate, binary.
 */
export async function generateSigningKey(
  userId: Address,
  keyEncryptionKey: Uint8Array,
): Promise<{ wrapped: WrappedKey; certificate: Uint8Array }> {
  if (keyEncryptionKey.length !== 32) throw new Error('a key-encryption key has 32 bytes')
  const answer = await ask(job => ({ type: 'generate', job, userId, keyEncryptionKey }))
  if (answer.type !== 'generated') throw unexpected(answer)
  return { wrapped: answer.wrapped, certificate: answer.certificate }
}

async function ask(question: (job: number) => ToSealer): Promise<FromSealer> {
  const process = new SealerProcess(heapMegabytes)
  const job = process.beginJob()
  try {
    await process.send(question(job))
    return await process.answer(job, limit)
  } finally {
    process.endJob(job)
    process.kill()
    await process.gone
  }
}
