import { createPrivateKey, type KeyObject } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import {
  cosign,
  formatCheckpoint,
  formatVerifier,
  leafHash,
  nodeHash,
  noteSigner,
  parseVerifier,
  rootOfHashes,
  signNote,
} from '../../src/tlog/index.ts'
import { verifyExport } from '../../src/verifier/index.ts'

const page = readFileSync(new URL('../../docs/audit-log.md', import.meta.url), 'utf8')
const blocks = [...page.slice(page.indexOf('## An example')).matchAll(/```\n([^`]+)```/g)].map(
  ([, text = '']) => text,
)
const [bodies = '', hashes = '', keys = '', checkpoint = '', line = ''] = blocks
const events = bodies.trimEnd().split('\n')
const leaves = events.map(event => leafHash(event))

/** Of 32 equal octets. */
function privateKey(octet: number): KeyObject {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  return createPrivateKey({
    key: Buffer.concat([prefix, Buffer.alloc(32, octet)]),
    format: 'der',
    type: 'pkcs8',
  })
}

test('the hashes of the example are those of its events', () => {
  expect(events).toHaveLength(3)
  const above = nodeHash(leaves[0]!, leaves[1]!)
  const named: [string, Buffer][] = [
    ...leaves.map((hash, leaf): [string, Buffer] => [`leaf ${leaf}`, hash]),
    ['0 and 1', above],
    ['root', nodeHash(above, leaves[2]!)],
  ]
  expect(hashes).toBe(named.map(([name, hash]) => `${name.padEnd(9)}${hash.toString('hex')}\n`).join(''))
})

test('its keys, its checkpoint and its cosignature are what these make of it', () => {
  const log = noteSigner('mail.example/audit-log', privateKey(1))
  const witness = noteSigner('witness.example', privateKey(2), 'cosignature')
  expect(keys).toBe([log, witness].map(({ verifier }) => `${formatVerifier(verifier)}\n`).join(''))
  const text = formatCheckpoint({ origin: 'mail.example/audit-log', size: 3, root: rootOfHashes(leaves) })
  const note = signNote(text, log)
  expect(checkpoint).toBe(note + cosign(note, 1_801_382_400, witness))
  expect(line).toBe(`{"leaf":1,"event":${events[1]!}}\n`)
})

test('as a directory, it is an export that the verifier finds nothing wrong with', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-example-'))
  const files: Record<string, string | Buffer> = {
    checkpoint,
    'tile/0/000.p/3': Buffer.concat(leaves),
    'events/000000000000.jsonl': events.map((event, leaf) => `{"leaf":${leaf},"event":${event}}\n`).join(''),
  }
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  const [log, witness] = keys.trimEnd().split('\n').map(parseVerifier)
  const report = verifyExport([directory], { keys: [log!], witnesses: [witness!] })
  rmSync(directory, { recursive: true })
  expect(report).toMatchObject({ ok: true, cautions: [], anchored: 3, events: 3 })
})

test('every code that the verifier gives stands on the page', () => {
  const source = readFileSync(new URL('../../src/verifier/report.ts', import.meta.url), 'utf8')
  const codes = [...source.matchAll(/^ {2}\| '([a-z_]+)'/gm)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(20)
  expect(codes.filter(code => !page.includes(`\`${code}\``))).toEqual([])
})
