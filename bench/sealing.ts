import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { generateKey } from 'openpgp'
import { type Address, isAddress, Plaintext } from '../src/kernel/index.ts'
import { generateSigningKey, openSealerPool, type SealTarget } from '../src/sealer/host/index.ts'

export interface SealingRates {
  /** Messages per second of 2 kB for one recipient, 8 in flight. */
  readonly oneProcess: number
  /** The same, two processes and 16 in flight. */
  readonly pool: number
}

/** Measures raw sealing: parse, compose, sign and encrypt, gate; no HTTP, no database. */
export async function measureSealing(seconds: number): Promise<SealingRates> {
  return { oneProcess: await rate(1, 8, seconds), pool: await rate(2, 16, seconds) }
}

async function rate(processes: number, inFlight: number, seconds: number): Promise<number> {
  const from = address('app@gateway.test')
  const to = address('reader@bank.test')
  const keyEncryptionKey = randomBytes(32)
  const { wrapped } = await generateSigningKey(from, keyEncryptionKey)
  const target = await makeTarget(from, to)
  const pool = await openSealerPool({ key: { wrapped, keyEncryptionKey }, processes })
  const body = JSON.stringify({ from, to: [to], subject: 'Statement', text: 'x'.repeat(2000) })
  let sealed = 0
  let end = performance.now() + 1000
  const work = async () => {
    while (performance.now() < end) {
      await pool.seal(chunks(body), { type: 'json' }, () => Promise.resolve([target]))
      sealed++
    }
  }
  const run = () => Promise.all(Array.from({ length: inFlight }, work))
  await run() // warm: the first second is compilation
  sealed = 0
  const start = performance.now()
  end = start + seconds * 1000
  await run()
  const elapsed = (performance.now() - start) / 1000
  await pool.close(1000)
  return sealed / elapsed
}

async function makeTarget(from: Address, to: Address): Promise<SealTarget> {
  const { publicKey } = await generateKey({
    type: 'ecc',
    curve: 'curve25519Legacy',
    userIDs: { email: to },
    format: 'object',
  })
  const subkey = publicKey.subkeys[0]
  if (subkey === undefined) throw new Error('no encryption subkey')
  return {
    certificate: publicKey.write(),
    encryptionSubkey: subkey.getFingerprint().toUpperCase(),
    format: 'seipdv1',
    outer: { from, to, date: 'Fri, 20 Nov 2026 20:35:55 +0000', messageId: '<bench@gateway.test>' },
  }
}

async function* chunks(body: string): AsyncGenerator<Plaintext> {
  yield await Promise.resolve(new Plaintext(Buffer.from(body)))
}

function address(text: string): Address {
  if (!isAddress(text)) throw new Error('not an address')
  return text
}
