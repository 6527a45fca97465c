import { hkdfSync } from 'node:crypto'
import type { Task, ToSealer } from '../protocol.ts'
import { listen, say } from './channel.ts'
import { generateSigningKey, openSigningKey } from './openpgp/signing-key.ts'
import type { SealJob } from './seal-job.ts'

/**
 * The sealer: the only process that sees a message in clear. The gateway starts it without disk, network or children
 * (host/sandbox.ts) and talks to it by sealer/protocol.ts. It prints nothing, ever: a stack trace can hold content.
 */
// Nobody reads them, and they cost time where a library throws to decide.
Error.stackTraceLimit = 0
process.on('uncaughtException', () => process.exit(1))
process.on('unhandledRejection', () => process.exit(1))
process.on('disconnect', () => process.exit(0))

/** Undefined in a process that only reads certificates: it loads nothing of what sealing takes. */
let newJob: ((job: number, task: Task) => SealJob) | undefined
const jobs = new Map<number, SealJob>()

listen(message => void handle(message))

async function handle(message: ToSealer): Promise<void> {
  if (message.type === 'key') return openKey(message)
  try {
    await answer(message)
  } catch {
    jobs.get(message.job)?.wipe()
    jobs.delete(message.job)
    await say({ type: 'failed', job: message.job })
  }
}

async function answer(message: Exclude<ToSealer, { type: 'key' }>): Promise<void> {
  switch (message.type) {
    case 'body':
      return receive(message)
    case 'targets':
      await jobs.get(message.job)?.seal(message.targets)
      jobs.delete(message.job)
      return
    case 'abandon':
      jobs.get(message.job)?.wipe()
      jobs.delete(message.job)
      return
    case 'inspect':
      requireNoKey()
      return inspect(message)
    case 'revokes':
      requireNoKey()
      return checkRevocation(message)
    case 'merge':
      requireNoKey()
      return merge(message)
    case 'generate':
      requireNoKey()
      return generate(message)
  }
}

async function receive({ job, bytes, last, task }: ToSealer & { type: 'body' }): Promise<void> {
  if (newJob === undefined) throw new Error('this process has no key')
  const begun = jobs.get(job) ?? (task && newJob(job, task))
  // Refused or abandoned, while this was under way.
  if (begun === undefined) {
    bytes.fill(0)
    return
  }
  jobs.set(job, begun)
  if ((await begun.take(bytes, last)) === 'over') jobs.delete(job)
}

/** Strangers' certificates are parsed away from the signing key. */
function requireNoKey(): void {
  if (newJob !== undefined) throw new Error('this process seals')
}

async function openKey({
  wrapped,
  keyEncryptionKey,
  attachmentBytes,
}: ToSealer & { type: 'key' }): Promise<void> {
  const { SealJob } = await import('./seal-job.ts')
  const fingerprintKey = hkdfSync('sha256', keyEncryptionKey, '', 'sealpost body fingerprint', 32)
  const key = await openSigningKey(wrapped, keyEncryptionKey).catch(() => undefined)
  keyEncryptionKey.fill(0)
  if (key !== undefined) {
    const means = { key, fingerprintKey: new Uint8Array(fingerprintKey), attachmentBytes }
    newJob = (job, task) => new SealJob(job, task, means)
  }
  await say({ type: key === undefined ? 'key_refused' : 'ready' })
}

async function inspect(message: ToSealer & { type: 'inspect' }): Promise<void> {
  const { inspectCertificate } = await import('./certificate/index.ts')
  const { certificate, address, at, policy, context, job } = message
  const verdict = await inspectCertificate(certificate, address, new Date(at), policy, context)
  await say({ type: 'inspected', job, verdict })
}

async function checkRevocation(message: ToSealer & { type: 'revokes' }): Promise<void> {
  const { revokes } = await import('./certificate/revocation.ts')
  const { upload, certificate, encryptionSubkey, job } = message
  await say({ type: 'revocation', job, revokes: revokes(upload, certificate, encryptionSubkey) })
}

async function merge({ known, copy, job }: ToSealer & { type: 'merge' }): Promise<void> {
  const { mergeCopies } = await import('./certificate/merge.ts')
  await say({ type: 'merged', job, certificate: mergeCopies(known, copy) ?? null })
}

async function generate({ job, userId, keyEncryptionKey }: ToSealer & { type: 'generate' }): Promise<void> {
  const { wrapped, certificate } = await generateSigningKey(userId, keyEncryptionKey)
  keyEncryptionKey.fill(0)
  await say({ type: 'generated', job, wrapped, certificate })
}
