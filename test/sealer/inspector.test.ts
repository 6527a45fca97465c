import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { certificatePolicy, loadPolicy } from '../../src/policy/index.ts'
import {
  type Inspector,
  type InspectorLimits,
  inspectCertificate,
  openInspector,
} from '../../src/sealer/host/index.ts'
import { alice, at, good, owner, standard } from '../keys/certificate/certificates.ts'
import { encode, forHash, octets, signature, subpacket } from '../keys/certificate/packets.ts'

vi.setConfig({ testTimeout: 60_000 })

const file = encode(good())
const opened: Inspector[] = []
function open(limits: Partial<InspectorLimits> = {}): Inspector {
  const inspector = openInspector(limits)
  opened.push(inspector)
  return inspector
}
const ask = (inspector: Inspector) => inspector.inspect(file, alice, at, standard)
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.close()))
})

test('answers many questions, at once and in a row, and replaces its processes meanwhile', async () => {
  const inspector = open({ processes: 2, questions: 5 })
  const first = await ask(inspector)
  expect(first).toMatchObject({ verdict: 'accept', fingerprint: owner.fingerprint })
  const verdicts = await Promise.all(Array.from({ length: 40 }, () => ask(inspector)))
  for (const verdict of verdicts) expect(verdict).toEqual(first)
})

test('a question that takes too long fails alone; the next one is answered by a new process', async () => {
  const inspector = open({ answer: 6000 })
  await ask(inspector)
  const [pid] = children()
  process.kill(pid ?? 0, 'SIGSTOP')
  await expect(ask(inspector)).rejects.toMatchObject({ code: 'sealer_unavailable' })
  await expect(ask(inspector)).resolves.toMatchObject({ verdict: 'accept' })
  expect(children()).not.toContain(pid)
})

test('so does one that takes too much memory', async () => {
  const inspector = open()
  await ask(inspector)
  const [pid] = children()
  // Stands for a certificate that would: those found so far are refused by their size before.
  const signatureAlgorithms = Array.from({ length: 2_000_000 }, (_, i) => `none-${i}`)
  const hungry = inspector.inspect(file, alice, at, { ...standard, signatureAlgorithms })
  await expect(hungry).rejects.toMatchObject({ code: 'sealer_unavailable' })
  await expect(ask(inspector)).resolves.toMatchObject({ verdict: 'accept' })
  expect(children()).not.toContain(pid)
})

test('more than may wait are refused as overloaded, and the others answered', async () => {
  const inspector = open({ waiting: 3 })
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => ask(inspector)))
  const codes = outcomes.map(one =>
    one.status === 'fulfilled' ? 'answered' : (one.reason as { code: string }).code,
  )
  expect(codes.filter(code => code === 'answered')).toHaveLength(4)
  expect(codes.filter(code => code === 'overloaded')).toHaveLength(6)
})

test('after its end nothing is answered, and what waited is told', async () => {
  const inspector = open()
  const waiting = Array.from({ length: 3 }, () => ask(inspector))
  const outcomes = Promise.allSettled(waiting)
  await inspector.close()
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'sealer_unavailable' } })
  }
  await expect(ask(inspector)).rejects.toMatchObject({ code: 'sealer_unavailable' })
})

test('a file over 64 KiB is answered without asking anybody', async () => {
  const inspector = open({ heapMegabytes: 1 })
  const large = new Uint8Array(65_537)
  await expect(inspector.inspect(large, alice, at, standard)).resolves.toMatchObject({
    reasons: ['too_large'],
  })
  await expect(inspector.revokes(large, file)).resolves.toBe(false)
})

describe('a stand-alone revocation counts whatever it says', () => {
  const critical = (type: number, body: Uint8Array) => subpacket(type | 0x80, body)
  const notation = Buffer.concat([Uint8Array.of(0x80, 0, 0, 0, 0, 3, 0, 1), Buffer.from('x@yz')])
  test.each([
    ['plain', {}],
    ['with SHA-1', { hash: 'sha1' as const }],
    ['from the future', { created: new Date('2040-01-01T00:00:00Z') }],
    ['that has ended', { hashed: [subpacket(3, octets(60, 4))] }],
    ['with an unknown critical notation', { hashed: [critical(20, notation)] }],
    ['with an unknown critical subpacket', { hashed: [critical(99, Uint8Array.of(1))] }],
    ['that names no issuer', { issuer: null }],
    ['that names another issuer', { issuer: new Uint8Array(8) }],
  ])('%s', async (_, options) => {
    const revocation = signature(owner, owner.body, new Uint8Array(), { type: 0x20, ...options })
    const inspector = open()
    expect(await inspector.revokes(encode([revocation]), file)).toBe(true)
    expect(await inspector.revokes(encode([...good().slice(0, 1), revocation]), file)).toBe(true)
  })

  test('but not one of the wrong kind, of a user ID, over something else, or with any bit flipped', async () => {
    const inspector = open()
    const alone = encode([signature(owner, owner.body, new Uint8Array(), { type: 0x20 })])
    for (const type of [0x1f, 0x30, 0x18]) {
      const other = signature(owner, owner.body, new Uint8Array(), { type })
      expect(await inspector.revokes(encode([other]), file)).toBe(false)
    }
    const overSubkey = signature(owner, owner.body, forHash(good()[3]!.body), { type: 0x20 })
    expect(await inspector.revokes(encode([overSubkey]), file)).toBe(false)
    expect(await inspector.revokes(file, file)).toBe(false)
    const matters = unhashedArea(alone)
    for (let i = 0; i < alone.length; i++) {
      if (matters.includes(i)) continue
      const spoiled = alone.slice()
      spoiled[i] = (spoiled[i] ?? 0) ^ (1 << (i % 8))
      expect([i, await inspector.revokes(spoiled, file)]).toEqual([i, false])
    }
  })
})

/** Process ids of the inspectors that run: nothing else is started here. */
function children(): readonly number[] {
  const list = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
  return list.split(' ').filter(Boolean).map(Number)
}

/** Places in a file of one signature that nobody signed: the header, unhashed subpackets, two octets of digest, counts. */
function unhashedArea(bytes: Uint8Array): readonly number[] {
  const hashed = 6 + 6 + (bytes[10]! * 256 + bytes[11]!)
  const unhashed = bytes[hashed]! * 256 + bytes[hashed + 1]!
  const numbers = hashed + 2 + unhashed + 2
  return Array.from({ length: bytes.length }, (_, i) => i).filter(
    i => i < 6 || (i >= hashed && i < numbers + 2),
  )
}

test('the verdict of the kept inspector is that of a process for one question', async () => {
  const policy = certificatePolicy(loadPolicy('strict'))
  expect(await open().inspect(file, alice, at, policy)).toEqual(
    await inspectCertificate(file, alice, at, policy),
  )
})
