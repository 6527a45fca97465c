import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The only version of TLS that a receiver speaks; `none`: it does not offer STARTTLS. */
export type ReceiverTls = '1.2' | '1.3' | 'none'

export interface ReceiverOptions {
  readonly tls: ReceiverTls
  /** The domains that it takes mail for. */
  readonly domains: readonly string[]
}

/** A mail server of others, as a receiver on loopback. */
export interface Receiver extends AsyncDisposable {
  readonly port: number
  /** Its log since the start. */
  log(): Promise<string>
  /** Resolves with the log once it has a match; throws with it after ten seconds. */
  logged(pattern: RegExp): Promise<string>
  /** Every mail that it kept. */
  mails(): Promise<readonly Buffer[]>
}

export async function freePort(): Promise<number> {
  const server = createServer()
  const port = 20_000 + randomInt(12_000)
  const free = await new Promise<boolean>(resolve => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!free) return freePort()
  await new Promise(resolve => server.close(resolve))
  return port
}

export async function eventually<T>(
  look: () => Promise<T | undefined>,
  log: () => Promise<string>,
): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(50)
  }
  throw new Error(`it did not come; log:\n${await log()}`)
}
