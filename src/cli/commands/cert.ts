import { open } from 'node:fs/promises'
import { Command } from 'commander'
import { type Address, isAddress, SealpostError, systemClock } from '../../kernel/index.ts'
import { explainReason } from '../../keys/index.ts'
import { certificatePolicy, loadPolicy } from '../../policy/index.ts'
import { type CertificateVerdict, inspectCertificate } from '../../sealer/host/index.ts'
import { inert, print, printJson } from '../output.ts'

/** One octet more than the verdict reads, so that it can say `too_large`. */
const readLimit = 64 * 1024 + 1

/** `cert inspect`: the verdict on a certificate, offline. Exit code 0: accepted, 2: rejected, 1: the file cannot be read. */
export function certCommand(): Command {
  const cert = new Command('cert').description('OpenPGP certificates of recipients')
  cert
    .command('inspect')
    .description('say whether messages to an address may be encrypted to a certificate, and if not, why')
    .argument('<file>', 'the certificate, binary or armoured')
    .requiredOption('--email <addr>', 'the address that it is to be used for', parseAddress)
    .option('--policy <name>', 'the policy of keys-policy/ to measure by', 'standard')
    .option('--json', 'answer as JSON')
    .action(async (file: string, options: { email: Address; policy: string; json?: true }) => {
      const { email, json } = options
      const policy = certificatePolicy(loadPolicy(options.policy))
      const bytes = await readStart(file).catch((error: unknown) => codeOf(error))
      if (typeof bytes === 'string') {
        process.stderr.write(`cannot read ${inert(file)}: ${bytes}\n`)
        process.exitCode = 1
        return
      }
      const verdict = await inspectCertificate(bytes, email, systemClock.now(), policy)
      if (json) printJson(published(verdict))
      else print(describe(verdict, email))
      if (verdict.verdict === 'reject') process.exitCode = 2
    })
  return cert
}

function parseAddress(text: string): Address {
  if (isAddress(text)) return text
  throw new SealpostError('usage', { detail: '--email wants a plain address such as alice@example.org' })
}

async function readStart(file: string): Promise<Uint8Array> {
  await using handle = await open(file, 'r')
  const buffer = new Uint8Array(readLimit)
  let length = 0
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, readLimit - length)
    length += bytesRead
    if (bytesRead === 0 || length === readLimit) return buffer.subarray(0, length)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}

/** The fields that are promised; the others are for the house itself. */
function published(full: CertificateVerdict) {
  const { verdict, reasons, fingerprint, encryptionSubkey, algorithm, format, expires, expiresFor, legacy } =
    full
  return { verdict, reasons, fingerprint, encryptionSubkey, algorithm, format, expires, expiresFor, legacy }
}

function describe(verdict: CertificateVerdict, email: Address): string {
  const facts = [
    ['certificate', verdict.fingerprint && grouped(verdict.fingerprint)],
    ['encryption subkey', verdict.encryptionSubkey && grouped(verdict.encryptionSubkey)],
    ['algorithm', verdict.algorithm],
    ['format', verdict.format && (verdict.legacy ? `${verdict.format} (legacy)` : verdict.format)],
    ['expires', verdict.expires && `${verdict.expires} (${verdict.expiresFor})`],
  ] as const
  const lines = [`${verdict.verdict} for ${email}`]
  for (const [name, value] of facts) if (value !== null) lines.push(`  ${name.padEnd(18)} ${inert(value)}`)
  for (const reason of verdict.reasons) {
    const { sentence, remedy } = explainReason(reason)
    lines.push('', `  ${reason}`, `    ${sentence}`, `    ${remedy}`)
  }
  return lines.join('\n')
}

/** In groups of four, as people compare it. */
function grouped(fingerprint: string): string {
  return fingerprint.replace(/.{4}(?=.)/g, '$& ')
}
