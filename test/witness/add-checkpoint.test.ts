import { createHash, generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { noteSigner, openNote, parseVerifier, signNote, verifyCosignature } from '../../src/tlog/index.ts'
import { openWitness, type Witness } from '../../src/witness/index.ts'
import { parseSubmission } from '../../src/witness/request.ts'
import { openLogState } from '../../src/witness/state.ts'
import { type GrowingLog, growingLog } from '../support/growing-log.ts'

const clock = { now: () => new Date('2026-11-20T12:00:00Z') }
const made: string[] = []
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true })
})

function newState(): string {
  const path = mkdtempSync(join(tmpdir(), 'witness-'))
  made.push(path)
  return path
}

function open(state: string, ...logs: readonly GrowingLog[]): Promise<Witness> {
  const verifiers = logs.map(({ signer }) => signer.verifier)
  return openWitness({ state, logs: verifiers, defaultName: 'witness.test/w1', clock })
}

async function fresh(log: GrowingLog): Promise<Witness> {
  return open(newState(), log)
}

const body = (text: string) => Buffer.from(text)
const note = (log: GrowingLog, size: number) => log.checkpoint(size).note
const textOf = (log: GrowingLog, size: number) => `${note(log, size).split('\n\n', 1)[0] ?? ''}\n`

test('a checkpoint that only adds is cosigned, with the time', async () => {
  const log = growingLog()
  const witness = await fresh(log)
  const own = parseVerifier(witness.verifier)
  for (const [old, size] of [
    [0, 5],
    [5, 5],
    [5, 8],
    [8, 1000],
  ] as const) {
    const { status, mediaType, body: line } = await witness.addCheckpoint(await log.submission(old, size))
    expect({ status, mediaType }).toEqual({ status: 200, mediaType: 'text/plain; charset=utf-8' })
    expect(verifyCosignature(line, note(log, size), own)).toBe(clock.now().getTime() / 1000)
    expect(line).toMatch(/^— witness\.test\/w1 [A-Za-z0-9+/=]+\n$/)
  }
})

test('the empty tree is cosigned, if its root is that of nothing', async () => {
  const log = growingLog()
  const witness = await fresh(log)
  expect(await witness.addCheckpoint(await log.submission(0, 0))).toMatchObject({ status: 200 })
  const { signer } = log
  const other = signNote(`${signer.verifier.name}\n0\n${Buffer.alloc(32, 1).toString('base64')}\n`, signer)
  expect(await witness.addCheckpoint(body(`old 0\n\n${other}`))).toMatchObject({ status: 422 })
})

describe('what is refused, in the order and with the codes of C2SP tlog-witness:', () => {
  const log = growingLog()
  const fork = growingLog(log.signer, { seed: 'other', same: 6 })
  const stranger = growingLog(noteSigner('elsewhere.test/log', generateKeyPairSync('ed25519').privateKey))
  const impostor = growingLog(noteSigner(log.signer.verifier.name, generateKeyPairSync('ed25519').privateKey))

  async function refused(submission: Uint8Array, status: number, answer?: string): Promise<void> {
    const witness = await fresh(log)
    await witness.addCheckpoint(await log.submission(0, 8))
    const before = await newest(witness, log)
    const said = await witness.addCheckpoint(submission)
    expect(said.status).toBe(status)
    if (answer !== undefined) expect(said.body).toBe(answer)
    expect(await newest(witness, log)).toBe(before)
  }

  test('a log that is not watched: 404', async () => {
    await refused(await stranger.submission(0, 8), 404)
  })
  test('another key under the name of the log: 403', async () => {
    await refused(await impostor.submission(8, 9), 403)
  })
  test('a signature that says it is by the key of the log and is not: 403', async () => {
    const forged = note(log, 9).replace(/^(— \S+ .{10})(.)/m, (_, head: string, letter: string) => {
      return `${head}${letter === 'A' ? 'B' : 'A'}`
    })
    await refused(body(`old 8\n\n${forged}`), 403)
  })
  test('an old size beyond the checkpoint: 400', async () => {
    await refused(body(`old 9\n\n${note(log, 8)}`), 400)
  })
  test('another old size than the newest: 409 with that one', async () => {
    await refused(await log.submission(0, 9), 409, '8\n')
    await refused(await log.submission(7, 9), 409, '8\n')
  })
  test('a rollback: 409', async () => {
    await refused(await log.submission(5, 7), 409, '8\n')
    await refused(await log.submission(0, 7), 409, '8\n')
  })
  test('a fork, larger or as large: 422', async () => {
    await refused(await fork.submission(8, 12), 422)
    await refused(await fork.submission(8, 8), 422)
  })
  test('a proof that is too short, too long, or for another size: 422', async () => {
    await refused(body(`old 8\n\n${note(log, 9)}`), 422)
    const extra = Buffer.alloc(32).toString('base64')
    const long = (await log.submission(8, 9)).toString().replace('\n\n', `\n${extra}\n\n`)
    await refused(body(long), 422)
    await refused(body(`old 8\n${extra}\n\n${note(log, 8)}`), 422)
  })
  test('a proof from nothing: 422', async () => {
    const witness = await fresh(log)
    const extra = Buffer.alloc(32).toString('base64')
    expect(await witness.addCheckpoint(body(`old 0\n${extra}\n\n${note(log, 8)}`))).toMatchObject({
      status: 422,
    })
  })

  const line = Buffer.alloc(32).toString('base64')
  test.each([
    ['nothing', () => ''],
    ['no old size', () => `\n\n${note(log, 9)}`],
    ['a size with a zero before it', () => `old 08\n\n${note(log, 9)}`],
    ['a negative size', () => `old -1\n\n${note(log, 9)}`],
    ['a size beyond what is exact', () => `old 9007199254740993\n\n${note(log, 9)}`],
    ['two spaces', () => `old  8\n\n${note(log, 9)}`],
    ['a carriage return', () => `old 8\r\n\r\n${note(log, 9)}`],
    ['no empty line', () => `old 8\n${note(log, 9)}`],
    ['a hash of 31 octets', () => `old 8\n${Buffer.alloc(31).toString('base64')}\n\n${note(log, 9)}`],
    ['base64 without its padding', () => `old 8\n${line.slice(0, -1)}\n\n${note(log, 9)}`],
    ['base64 of URLs', () => `old 8\n${line.replace('A', '_')}\n\n${note(log, 9)}`],
    ['base64 with odd last bits', () => `old 8\n${line.slice(0, -2)}B=\n\n${note(log, 9)}`],
    ['64 lines of proof', () => `old 8\n${`${line}\n`.repeat(64)}\n${note(log, 9)}`],
    ['a note without its last newline', () => `old 8\n\n${note(log, 9).slice(0, -1)}`],
    ['a note without a signature', () => `old 8\n\n${note(log, 9).split('\n\n', 1)[0] ?? ''}\n\n`],
  ])('a malformed request, %s: 400', async (_what, text) => {
    await refused(body(text()), 400)
  })
  test('what is not UTF-8: 400', async () => {
    await refused(Buffer.concat([await log.submission(8, 9), Uint8Array.of(0xff)]), 400)
  })
})

test('the example of the specification is read as it is meant', async () => {
  const example = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`
  const read = parseSubmission(body(example))
  expect(read?.oldSize).toBe(20_852_014)
  expect(read?.proof.map(hash => Buffer.from(hash).toString('base64'))).toEqual(
    example.split('\n').slice(1, 5),
  )
  expect(read?.note).toBe(example.slice(example.indexOf('example.com')))
  const witness = await fresh(growingLog())
  expect(await witness.addCheckpoint(body(example))).toMatchObject({ status: 404 })
})

test('of many at once, which are forks of each other, one is cosigned', async () => {
  const log = growingLog()
  const witness = await fresh(log)
  const forks = Array.from({ length: 8 }, (_, i) => growingLog(log.signer, { seed: `fork ${i}` }))
  const answers = await Promise.all(
    forks.map(async fork => witness.addCheckpoint(await fork.submission(0, 4))),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409])
})

test('of two witnesses on one directory, which are asked to cosign forks, one does', async () => {
  for (let round = 0; round < 10; round++) {
    const log = growingLog()
    const state = newState()
    const answers = await Promise.all(
      [await open(state, log), await open(state, log)].map(async (witness, i) =>
        witness.addCheckpoint(await growingLog(log.signer, { seed: `fork ${i}` }).submission(0, 4)),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  }
})

test('one that was paused before it wrote does not go back, though its turn is free again', async () => {
  const log = growingLog()
  const state = newState()
  const own = noteSigner('witness.test', generateKeyPairSync('ed25519').privateKey)
  const signed = (size: number) => signNote(textOf(log, size), own)
  const directory = join(state, 'log')
  const [paused, other] = [
    await openLogState(directory, own.verifier),
    await openLogState(directory, own.verifier),
  ]
  for (const turn of [0, 1, 2]) expect(await other.advance(turn, signed(turn + 5))).toBe(true)
  expect(await paused.advance(0, signed(4))).toBe(false)
  expect(await paused.latest()).toMatchObject({ turn: 3, head: { size: 7 } })
  expect(readdirSync(directory)).toEqual(['000000000000003'])
})

test('its key and what it knows outlast it; nobody else may read the key', async () => {
  const log = growingLog()
  const state = newState()
  const first = await open(state, log)
  await first.addCheckpoint(await log.submission(0, 8))
  expect(statSync(join(state, 'key')).mode & 0o777).toBe(0o600)
  const second = await open(state, log)
  expect(second.verifier).toBe(first.verifier)
  expect(await second.addCheckpoint(await log.submission(0, 7))).toMatchObject({ status: 409, body: '8\n' })
  chmodSync(join(state, 'key'), 0o640)
  await expect(open(state, log)).rejects.toMatchObject({ code: 'config_invalid' })
})

test('another name than that of its key is refused, and so is a key that is none', async () => {
  const state = newState()
  const log = growingLog()
  const wish = { state, logs: [log.signer.verifier], defaultName: 'witness.test/w1', clock }
  await openWitness(wish)
  await expect(openWitness({ ...wish, name: 'witness.test/w2' })).rejects.toMatchObject({
    code: 'config_invalid',
  })
  writeFileSync(join(state, 'key'), 'PRIVATE KEY witness.test/w1 AAAA\n')
  await expect(openWitness(wish)).rejects.toMatchObject({ code: 'config_invalid' })
})

test('what it knows was altered on disk: it cosigns nothing', async () => {
  const log = growingLog()
  const state = newState()
  await (await open(state, log)).addCheckpoint(await log.submission(0, 8))
  const directory = join(state, hashOf(log))
  const [name = ''] = readdirSync(directory)
  writeFileSync(join(directory, name), note(log, 3))
  const witness = await open(state, log)
  await expect(witness.addCheckpoint(await log.submission(3, 9))).rejects.toMatchObject({
    code: 'signature_missing',
  })
})

test('monitors get the newest checkpoint, with the signature of the log and the cosignature, and with no other', async () => {
  const log = growingLog()
  const witness = await fresh(log)
  const own = parseVerifier(witness.verifier)
  expect(await witness.checkpoint(hashOf(log))).toMatchObject({ status: 404 })
  const other = noteSigner('other.test', generateKeyPairSync('ed25519').privateKey)
  const signedTwice =
    (await log.submission(0, 8)).toString() + (signNote(textOf(log, 8), other).split('\n\n')[1] ?? '')
  expect(await witness.addCheckpoint(body(signedTwice))).toMatchObject({ status: 200 })
  const served = await newest(witness, log)
  expect(openNote(served, [log.signer.verifier, own]).signatures).toHaveLength(2)
  expect(served).not.toContain('other.test')
  expect(await witness.checkpoint('0'.repeat(64))).toMatchObject({ status: 404 })
})

test('old files do not pile up', async () => {
  const log = growingLog()
  const state = newState()
  const witness = await open(state, log)
  for (let size = 1; size < 10; size++) await witness.addCheckpoint(await log.submission(size - 1, size))
  const directory = join(state, hashOf(log))
  expect(readdirSync(directory)).toEqual(['000000000000009'])
  expect(readFileSync(join(directory, '000000000000009'), 'utf8')).toContain('\n9\n')
})

async function newest(witness: Witness, log: GrowingLog): Promise<string> {
  return (await witness.checkpoint(hashOf(log))).body
}

function hashOf({ signer }: GrowingLog): string {
  return createHash('sha256').update(signer.verifier.name).digest('hex')
}
