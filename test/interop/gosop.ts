import { readFile } from 'node:fs/promises'
import type { Reader } from './peer.ts'
import { attempt, openWorkplace, run } from './run.ts'

/** A key by `gosop generate-key`, armoured as it comes, and its certificate. */
export async function generateWithGosop(
  mailbox: string,
): Promise<{ secretKey: Buffer; certificate: Buffer }> {
  const { output: secretKey } = await run('gosop', ['generate-key', mailbox])
  const { output: certificate } = await run('gosop', ['extract-cert'], secretKey)
  return { secretKey, certificate }
}

export async function openGosopReader(
  secretKey: Uint8Array,
  gatewayCertificate: Uint8Array,
): Promise<Reader> {
  const work = await openWorkplace()
  const key = await work.file('key', secretKey)
  const signer = await work.file('signer', gatewayCertificate)
  let count = 0
  return {
    async open(message) {
      // gosop refuses to overwrite.
      const verifications = `${work.path}/verified-${++count}`
      const args = ['decrypt', `--verify-with=${signer}`, `--verify-out=${verifications}`, key]
      const { status, output, complaint } = await attempt('gosop', args, message)
      if (status !== 0) throw new Error(`gosop ended with ${String(status)}: ${complaint}`)
      // One line for each good signature: when, by which key, under which primary key.
      const lines = (await readFile(verifications, 'utf8')).trimEnd().split('\n')
      const fingerprint = lines.length === 1 ? lines[0]?.split(' ')[1] : undefined
      if (fingerprint === undefined) throw new Error(`gosop verified ${lines.length} signatures`)
      return { content: withCrlf(output), signer: fingerprint.toUpperCase() }
    },
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  }
}

/**
 * This gosop writes LF for every CRLF that it decrypts, in its own messages too. What the gateway seals has no LF
 * without CR (test/sealer), so nothing is lost by putting them back.
 */
function withCrlf(output: Buffer): Buffer {
  if (output.includes('\r')) return output
  return Buffer.from(output.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
}
