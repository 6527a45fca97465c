import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import { runCli } from './run-cli.ts'
import type { Stage } from './stage.ts'

/** What the verifier said of the evidence of a message. */
export interface VerifiedEvidence {
  readonly file: string
  /** Some lines of its report. */
  readonly said: readonly string[]
}

/**
 * Fetches the evidence of a message and verifies it as an auditor would: with the log's key, the mail that the recipient has, and
 * no database, settings or gateway. Throws what the verifier said when it finds anything.
 */
export async function verifiedEvidence(
  stage: Stage,
  client: Client,
  message: string,
  mailFile: string,
): Promise<VerifiedEvidence> {
  const file = join(stage.directory, 'evidence.json')
  await writeFile(file, await fetched(client, `/v1/messages/${message}/evidence`))
  const key = (await stage.run(['audit', 'key'])).trim()
  const call = ['audit', 'verify', '--evidence', file, '--key', key, '--ciphertext', mailFile]
  const report = (await runCli(call, {})).trimEnd().split('\n')
  const told = /^ {2}(?:verified|approved) | is the ciphertext of |: \d+ events proven in |^OK: /
  return { file, said: report.filter(line => told.test(line)).map(line => line.trimStart()) }
}

/** The log takes an event within a second. */
async function fetched(client: Client, path: string): Promise<string> {
  for (let tries = 0; tries < 30; tries++) {
    const { status, text } = await client.download(path)
    if (status === 200) return text
    if (status !== 503) throw new Error(`the gateway answered ${status}: ${text}`)
    await sleep(500)
  }
  throw new Error('there was no evidence in time')
}
