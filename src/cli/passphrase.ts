import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { SealpostError } from '../kernel/index.ts'

/**
 * A passphrase from a file descriptor (its first line) or, on a terminal, from a prompt without echo. Never from an
 * argument or the environment: both are visible to other processes.
 */
export async function readPassphrase(descriptor: number | undefined, prompt: string): Promise<string> {
  const passphrase = descriptor === undefined ? await ask(prompt) : await firstLine(descriptor)
  if (passphrase === '') throw new SealpostError('usage', { detail: 'the passphrase is empty' })
  return passphrase
}

async function ask(prompt: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new SealpostError('usage', {
      detail: 'there is no terminal to ask for the passphrase; use --passphrase-fd',
    })
  }
  process.stderr.write(prompt)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  using lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  const answer = await lines.question('')
  process.stderr.write('\n')
  return answer
}

async function firstLine(descriptor: number): Promise<string> {
  let text = ''
  try {
    for await (const chunk of createReadStream('', { fd: descriptor, encoding: 'utf8' })) {
      text += chunk as string
      if (text.includes('\n') || text.length > 4096) break
    }
  } catch {
    throw new SealpostError('usage', { detail: `file descriptor ${descriptor} cannot be read` })
  }
  return text.split('\n', 1)[0]?.replace(/\r$/, '') ?? ''
}
