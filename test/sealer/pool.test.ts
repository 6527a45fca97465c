import { afterEach, expect, test } from 'vitest'
import { Plaintext, reveal } from '../../src/kernel/index.ts'
import type { PoolLimits } from '../../src/sealer/host/index.ts'
import { openSealerPool } from '../../src/sealer/host/index.ts'
import {
  body,
  json,
  makeRecipient,
  open,
  openTestSealer,
  resolveTo,
  simple,
  type TestSealer,
} from './support.ts'

const reader = await makeRecipient('reader@bank.test')
const opened: TestSealer[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map(sealer => sealer.pool.close(0)))
})

async function start(limits: Partial<PoolLimits> = {}, processes = 1): Promise<TestSealer> {
  const sealer = await openTestSealer(limits, processes)
  opened.push(sealer)
  return sealer
}

function seal({ pool }: TestSealer, text?: string) {
  return pool.seal(body(simple(reader, text)), json, resolveTo(reader))
}

/** A message that waits, in its sealer, for targets until released. */
function held({ pool }: TestSealer) {
  let release: () => void = () => undefined
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  let arrived: () => void = () => undefined
  const inside = new Promise<void>(resolve => {
    arrived = resolve
  })
  const result = pool.seal(body(simple(reader)), json, async metadata => {
    arrived()
    await gate
    return resolveTo(reader)(metadata)
  })
  result.catch(() => undefined)
  return { inside, release, result }
}

const unavailable: unknown = expect.objectContaining({ code: 'sealer_unavailable', temporary: true })

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error('it never came to that')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

test('a killed sealer fails its own messages only, and the pool heals', async () => {
  const sealer = await start({}, 2)
  const [first, second] = [held(sealer), held(sealer)]
  await Promise.all([first.inside, second.inside])
  const [victim = 0, survivor] = sealer.pool.pids()
  process.kill(victim, 'SIGKILL')
  await until(() => !sealer.pool.pids().includes(victim))
  first.release()
  second.release()
  const outcomes = await Promise.allSettled([first.result, second.result])
  expect(outcomes.map(outcome => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(outcomes.find(outcome => outcome.status === 'rejected')).toMatchObject({ reason: unavailable })
  await until(() => sealer.pool.pids().length === 2)
  expect(sealer.pool.pids()).toContain(survivor)
  await Promise.all(Array.from({ length: 20 }, () => seal(sealer)))
})

test('a message sent while the only sealer is dead waits for its successor', async () => {
  const sealer = await start()
  process.kill(sealer.pool.pids()[0] ?? 0, 'SIGKILL')
  await until(() => sealer.pool.pids().length === 0)
  await expect(seal(sealer)).resolves.toBeDefined()
})

test('a sealer that hangs is killed after the time limit', async () => {
  const sealer = await start({ answer: 300 })
  const [pid = 0] = sealer.pool.pids()
  process.kill(pid, 'SIGSTOP')
  await expect(seal(sealer)).rejects.toEqual(unavailable)
  await expect(seal(sealer)).resolves.toBeDefined()
  expect(sealer.pool.pids()).not.toContain(pid)
})

test('a slow client or a slow database does not count as a hanging sealer', async () => {
  const sealer = await start({ answer: 300 })
  async function* slowly() {
    for await (const chunk of body(simple(reader), 40)) {
      await new Promise(resolve => setTimeout(resolve, 150))
      yield chunk
    }
  }
  const sealing = sealer.pool.seal(slowly(), json, async metadata => {
    await new Promise(resolve => setTimeout(resolve, 500))
    return resolveTo(reader)(metadata)
  })
  await expect(sealing).resolves.toBeDefined()
})

test('recycling loses nothing', async () => {
  const sealer = await start({ recycleAfterMessages: 25 }, 2)
  const before = sealer.pool.pids()
  const waiting = held(sealer)
  await waiting.inside
  const work = Array.from({ length: 8 }, async () => {
    for (let i = 0; i < 40; i++) await seal(sealer)
  })
  await Promise.all(work)
  await until(() => sealer.pool.pids().every(pid => !before.includes(pid)))
  waiting.release()
  await expect(waiting.result).resolves.toBeDefined()
  await until(() => before.every(pid => !isRunning(pid)))
})

test('a sealer is replaced when its time is over', async () => {
  const sealer = await start({ recycleAfterSeconds: 0.3 })
  const [before = 0] = sealer.pool.pids()
  await until(() => !sealer.pool.pids().includes(before))
  expect(sealer.pool.pids()).toHaveLength(1)
  await until(() => !isRunning(before))
})

test('more than the queue holds is refused at once, and what waits too long later', async () => {
  const sealer = await start({ inFlight: 1, waiting: 1, wait: 200 })
  const busy = held(sealer)
  await busy.inside
  const waiting = seal(sealer)
  await until(() => sealer.pool.load().waiting === 1)
  await expect(seal(sealer)).rejects.toMatchObject({ code: 'overloaded', temporary: true })
  await expect(waiting).rejects.toMatchObject({ code: 'overloaded' })
  busy.release()
  await busy.result
  await expect(seal(sealer)).resolves.toBeDefined()
})

test('a client that breaks off leaves nothing behind', async () => {
  const sealer = await start({ inFlight: 1 })
  const sent: Uint8Array[] = []
  async function* broken() {
    for (let i = 0; i < 5; i++) {
      const bytes = new Uint8Array(50_000).fill(0x34)
      sent.push(bytes)
      yield await Promise.resolve(new Plaintext(bytes))
    }
    throw new Error('aborted')
  }
  await expect(sealer.pool.seal(broken(), json, resolveTo(reader))).rejects.toThrow('aborted')
  expect(sent.every(bytes => bytes.every(byte => byte === 0))).toBe(true)
  expect(sealer.pool.load()).toEqual({ inFlight: 0, waiting: 0 })
  await expect(seal(sealer)).resolves.toBeDefined()
})

test('what resolve throws comes out unchanged, and the place is free again', async () => {
  const sealer = await start({ inFlight: 1 })
  const reason = new Error('no such recipient')
  await expect(sealer.pool.seal(body(simple(reader)), json, () => Promise.reject(reason))).rejects.toBe(
    reason,
  )
  await expect(seal(sealer)).resolves.toBeDefined()
})

test('chunks are wiped once they were sent', async () => {
  const sealer = await start()
  const chunks: { plaintext: Plaintext; bytes: Uint8Array }[] = []
  async function* recorded() {
    for await (const plaintext of body(simple(reader, 'x'.repeat(200_000)))) {
      chunks.push({ plaintext, bytes: reveal(plaintext) })
      yield plaintext
    }
  }
  await sealer.pool.seal(recorded(), json, resolveTo(reader))
  for (const { plaintext, bytes } of chunks) {
    expect(bytes.every(byte => byte === 0)).toBe(true)
    expect(() => reveal(plaintext)).toThrow('wiped')
  }
})

test('large bodies take turns in a process, small ones pass them', async () => {
  const sealer = await start()
  const text = 'x'.repeat(2_000_000)
  let release: () => void = () => undefined
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  async function* stalled() {
    yield* body(`{"from":"app@pay.test","to":["reader@bank.test"],"subject":"","text":"${text}`)
    await gate
    yield* body('"}')
  }
  const first = sealer.pool.seal(stalled(), json, resolveTo(reader))
  await until(() => sealer.pool.load().inFlight === 1)
  let secondDone = false
  const second = seal(sealer, text).then(() => {
    secondDone = true
  })
  await until(() => sealer.pool.load().waiting === 1)
  // Those that wait for their turn hold no place.
  expect(sealer.pool.load().inFlight).toBe(1)
  await seal(sealer)
  expect(secondDone).toBe(false)
  release()
  await Promise.all([first, second])
})

test('a body that trickles holds no place', async () => {
  const sealer = await start({ inFlight: 1 })
  let release: () => void = () => undefined
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  async function* trickling() {
    yield* body(
      `{"from":"app@pay.test","to":["reader@bank.test"],"subject":"","text":"${'x'.repeat(900_000)}`,
    )
    await gate
    yield* body('"}')
  }
  const first = sealer.pool.seal(trickling(), json, resolveTo(reader))
  await seal(sealer)
  expect(sealer.pool.load()).toEqual({ inFlight: 0, waiting: 0 })
  release()
  await first
})

test('a body over 25 MB is refused', async () => {
  const sealer = await start()
  async function* endless() {
    for (;;) yield await Promise.resolve(new Plaintext(new Uint8Array(1_000_000).fill(0x20)))
  }
  await expect(sealer.pool.seal(endless(), json, resolveTo(reader))).rejects.toMatchObject({
    code: 'body_too_large',
  })
})

test('a body whose copies for all recipients would exceed 100 MB is refused before anybody is asked', async () => {
  const sealer = await start()
  const to = Array.from({ length: 50 }, (_, i) => `r${i}@bank.test`)
  const message = { from: 'app@pay.test', to, subject: '', text: 'x'.repeat(2_200_000) }
  const sealing = sealer.pool.seal(body(message), json, () => Promise.reject(new Error('asked')))
  await expect(sealing).rejects.toMatchObject({ code: 'body_too_large' })
})

test('closing finishes what is under way, and takes nothing new', async () => {
  const sealer = await start()
  const pids = sealer.pool.pids()
  const last = held(sealer)
  await last.inside
  const closed = sealer.pool.close(5000)
  await expect(seal(sealer)).rejects.toMatchObject({ code: 'stopping' })
  last.release()
  const { sealed } = await last.result
  await open(sealed[0]?.ciphertext ?? new Uint8Array(), reader, sealer.verificationKey)
  await closed
  expect(pids.some(isRunning)).toBe(false)
})

test('closing ends what does not finish before the deadline', async () => {
  const sealer = await start()
  const stuck = held(sealer)
  await stuck.inside
  await sealer.pool.close(100)
  stuck.release()
  await expect(stuck.result).rejects.toEqual(unavailable)
})

test('a key-encryption key that opens nothing opens no pool', async () => {
  const wrapped = { fingerprint: 'A'.repeat(40), nonce: new Uint8Array(12), sealed: new Uint8Array(300) }
  const opening = openSealerPool({ key: { wrapped, keyEncryptionKey: new Uint8Array(32) }, processes: 1 })
  await expect(opening).rejects.toMatchObject({ code: 'passphrase_wrong' })
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
