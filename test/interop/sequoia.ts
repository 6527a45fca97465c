import { address } from '../sealer/support.ts'
import type { PeerKey, Reader } from './peer.ts'
import { attempt, openWorkplace, run } from './run.ts'

/** A key by `sq key generate`; `options` as its manual has them. */
export async function generateWithSequoia(mailbox: string, options: readonly string[]): Promise<PeerKey> {
  await using work = await openWorkplace()
  const key = `${work.path}/key`
  await run('sq', ['key', 'generate', '--userid', `<${mailbox}>`, '--export', key, ...options])
  const secretKey = await binary(key)
  const { output: certificate } = await run('sq', ['key', 'extract-cert', '--binary', key])
  const listed = await inspectWithSequoia(certificate)
  return {
    address: address(mailbox),
    certificate,
    secretKey,
    fingerprint: /Fingerprint: ([0-9A-F]{40})/.exec(listed)?.[1] ?? '',
    encryptionSubkey: encryptionSubkeys(listed)[0] ?? '',
  }
}

/** What `sq inspect` writes about a file. */
export async function inspectWithSequoia(file: Uint8Array): Promise<string> {
  await using work = await openWorkplace()
  return (await run('sq', ['inspect', await work.file('file', file)])).output.toString()
}

/** The output of `sq revoke …`, binary. */
export async function revokeWithSequoia(key: PeerKey, what: readonly string[]): Promise<Buffer> {
  await using work = await openWorkplace()
  const [kind = '', ...which] = what
  const files = [
    '--certificate',
    await work.file('certificate', key.certificate),
    '--revocation-key',
    await work.file('key', key.secretKey),
  ]
  return (await run('sq', ['revoke', kind, '--binary', ...files, ...which, 'compromised', 'lost'])).output
}

/** One certificate of two copies. */
export async function mergeWithSequoia(a: Uint8Array, b: Uint8Array): Promise<Buffer> {
  await using work = await openWorkplace()
  const files = [await work.file('a', a), await work.file('b', b)]
  return (await run('sq', ['keyring', 'merge', '--binary', ...files])).output
}

export async function openSequoiaReader(
  secretKey: Uint8Array,
  gatewayCertificate: Uint8Array,
): Promise<Reader> {
  const work = await openWorkplace()
  const key = await work.file('key', secretKey)
  const signer = await work.file('signer', gatewayCertificate)
  return {
    async open(message) {
      const args = ['decrypt', '--recipient-key', key, '--signer-cert', signer]
      const { status, output, complaint } = await attempt('sq', args, message)
      const good = /^Good signature from (?:.*\()?([0-9A-F]{16,40})/m.exec(complaint)?.[1]
      if (status !== 0 || good === undefined || !/^1 good signature\.$/m.test(complaint))
        throw new Error(`sq ended with ${String(status)}: ${complaint}`)
      return { content: output, signer: good }
    },
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  }
}

async function binary(armoured: string): Promise<Buffer> {
  return (await run('sq', ['dearmor', armoured])).output
}

function encryptionSubkeys(listed: string): string[] {
  return listed
    .split(/^ *Subkey: /m)
    .slice(1)
    .flatMap(subkey => (/Key flags: .*encryption/.test(subkey) ? [subkey.slice(0, 40)] : []))
}
