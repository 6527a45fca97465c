import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { generateKey } from 'openpgp'
import { openInspector } from '../../src/sealer/host/index.ts'
import {
  alice,
  at,
  encryptionSubkey,
  identity,
  keyLives,
  onPrimary,
  primaryKey,
  standard,
  withFlags,
} from '../keys/certificate/certificates.ts'
import {
  concat,
  curve25519Body,
  ed25519Signer,
  encode,
  keyBody,
  made,
  mpi,
  type Part,
  rsaBody,
  rsaSigner,
  signature,
  subpacket,
  user,
} from '../keys/certificate/packets.ts'
import { honestModulus } from '../keys/certificate/weak-rsa.ts'
import { cut, decisiveOctets, restsOn } from './decisive.ts'
import { chanceFrom, type Mutant, mutate } from './mutate.ts'

export interface FuzzReport {
  readonly seed: number
  readonly cases: number
  readonly accepted: number
  /** Milliseconds of the slowest answer, its wait for the others of its batch included. */
  readonly slowest: number
  /** MB: the most that a process of the inspector held. */
  readonly memory: number
  /** What must not happen, each with the mutant in base64; empty when all is well. */
  readonly findings: readonly string[]
}

const batch = 32

/**
 * Mutates sound certificates of several kinds and asks the kept inspector about each, until `cases` or `seconds` are
 * over. A finding is: an answer that is no verdict (the process died, or took longer than its limit), or an accepted
 * mutant in which an octet differs that the verdict rests on (`decisive.ts`), or whose verdict differs from the
 * original's although no whole packet was taken away or moved.
 */
export async function fuzzCertificates(limit: {
  readonly seed: number
  readonly cases?: number
  readonly seconds?: number
}): Promise<FuzzReport> {
  const { seed, cases = Infinity, seconds = Infinity } = limit
  const chance = chanceFrom(seed)
  await using opened = new AsyncDisposableStack()
  const inspector = opened.adopt(openInspector({ waiting: batch }), open => open.close())
  const inspect = (bytes: Uint8Array) => inspector.inspect(bytes, alice, at, standard)
  const originals = await Promise.all(
    [...certificates(), ...(await byLibrary())].map(async parts => {
      const verdict = await inspect(encode(parts))
      if (verdict.verdict !== 'accept') throw new Error(`a seed is refused: ${verdict.reasons.join()}`)
      const known = decisiveOctets(encode(parts), alice)
      return { parts, verdict, known }
    }),
  )
  const foreign = stranger()

  const findings: string[] = []
  let [done, accepted, slowest, memory] = [0, 0, 0, 0]
  const judge = async ({ kind, whole, bytes }: Mutant, original: (typeof originals)[number]) => {
    const start = performance.now()
    const finding = (what: string) =>
      findings.push(`${what}: ${kind}: ${Buffer.from(bytes).toString('base64')}`)
    try {
      const verdict = await inspect(bytes)
      if (verdict.verdict === 'reject') return
      accepted++
      const found = decisiveOctets(bytes, alice)
      if (!restsOn(original.known, found, verdict.encryptionSubkey))
        finding('accepted, although octets that matter were changed')
      const same = JSON.stringify(verdict) === JSON.stringify(original.verdict)
      if (!whole && !same) finding('accepted as something else')
    } catch (error) {
      finding(`no verdict, ${String(error)}`)
    } finally {
      slowest = Math.max(slowest, performance.now() - start)
    }
  }
  const end = performance.now() + seconds * 1000
  while (done < cases && performance.now() < end && findings.length < 10) {
    const mutants = Array.from({ length: Math.min(batch, cases - done) }, () => {
      const original = originals[chance(originals.length)]!
      return [mutate(original.parts, chance, foreign), original] as const
    })
    await Promise.all(mutants.map(([mutant, original]) => judge(mutant, original)))
    done += mutants.length
    memory = Math.max(memory, childrensMemory())
  }
  return { seed, cases: done, accepted, slowest: Math.round(slowest), memory, findings }
}

/** One of each kind that the policy takes: algorithms, direct signatures, ends, several user IDs, subkeys and bindings. */
function certificates(): readonly (readonly Part[])[] {
  const rsa = rsaSigner(3072)
  const [ed, third] = [ed25519Signer(), ed25519Signer()]
  const later = new Date('2026-02-01T00:00:00Z')
  const body = curve25519Body(later)
  const readsV2 = subpacket(30, Uint8Array.of(0x09))
  const end = keyLives(2 * 365 * 86_400)
  const seal = encryptionSubkey(curve25519Body(), {}, ed)
  return [
    [primaryKey(ed), ...identity(alice, {}, ed), ...seal],
    [
      primaryKey(rsa),
      ...identity(alice, {}, rsa),
      ...encryptionSubkey(rsaBody(honestModulus(3072)), {}, rsa),
    ],
    [
      primaryKey(ed),
      signature(ed, ed.body, new Uint8Array(), { type: 0x1f, hashed: [end] }),
      ...identity('a@home.test', {}, ed),
      ...identity(`Alice <${alice}>`, { hashed: [readsV2, end], created: later }, ed),
      signature(third, ed.body, user(Buffer.from(`Alice <${alice}>`)), { created: later }),
      ...seal,
      ...encryptionSubkey(body, { created: later, hashed: withFlags(end) }, ed),
    ],
    [primaryKey(ed), ...identity(alice, {}, ed), ...encryptionSubkey(p256Body(), {}, ed)],
  ]
}

/** Forms that the packets above do not have: ECDSA, and the keys and signatures of RFC 9580. */
async function byLibrary(): Promise<readonly (readonly Part[])[]> {
  const kinds = [{ type: 'curve25519' }, { type: 'curve448' }, { type: 'ecc', curve: 'nistP256' }] as const
  const about = { userIDs: { email: alice }, date: made, format: 'object' } as const
  return Promise.all(
    kinds.map(async kind => cut((await generateKey({ ...kind, ...about })).publicKey.write())),
  )
}

/** Packets of another key that names the same address. */
function stranger(): readonly Part[] {
  const other = ed25519Signer()
  return [
    primaryKey(other),
    onPrimary({}, other),
    ...identity(alice, {}, other),
    ...encryptionSubkey(curve25519Body(), {}, other),
  ]
}

function p256Body(): Uint8Array {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    format: 'jwk',
  })
  const point = concat(Uint8Array.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'))
  const curve = Buffer.from('2a8648ce3d030107', 'hex')
  return keyBody(18, concat(Uint8Array.of(curve.length), curve, mpi(point), Uint8Array.of(3, 1, 8, 7)), made)
}

/** MB, the high-water mark of our child processes. */
function childrensMemory(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean)
  return Math.max(0, ...children.map(highWater))
}

function highWater(pid: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  } catch {
    return 0 // It ended meanwhile.
  }
}
