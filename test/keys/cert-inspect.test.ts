import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import {
  alice,
  encryptionSubkey,
  fingerprint,
  good,
  identity,
  primaryKey,
} from './certificate/certificates.ts'
import { armored, encode, type Part } from './certificate/packets.ts'

// Each starts the program, which takes a second or two on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const program = new URL('../../bin/sealpost', import.meta.url).pathname
const directory = mkdtempSync(join(tmpdir(), 'sealpost-cert-'))
afterAll(() => rmSync(directory, { recursive: true }))

function inspect(content: Uint8Array | string, ...options: readonly string[]) {
  const file = join(directory, 'certificate')
  writeFileSync(file, content)
  return run(file, '--email', alice, ...options)
}

function run(...options: readonly string[]) {
  return spawnSync(program, ['cert', 'inspect', ...options], { encoding: 'utf8' })
}

test('an accepted certificate: exit code 0 and exactly the fields of the verdict', () => {
  const parts = good()
  const { status, stdout } = inspect(encode(parts), '--json')
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    verdict: 'accept',
    reasons: [],
    fingerprint: fingerprint(parts[0] as Part),
    encryptionSubkey: fingerprint(parts[3] as Part),
    algorithm: 'ecdh-curve25519',
    format: 'seipdv1',
    expires: '2030-12-31T00:00:00.000Z',
    expiresFor: 'cryptoperiod_over',
    legacy: true,
  })
})

test('a rejected one: exit code 2, with reasons and remedies in words', () => {
  const { status, stdout } = inspect(
    encode([primaryKey(), ...identity('bob@bank.test'), ...encryptionSubkey()]),
  )
  expect(status).toBe(2)
  expect(stdout).toContain('user_id_mismatch')
  expect(stdout).toContain('Add a user ID with that address')
})

test('nothing of a private key is shown', () => {
  const { status, stdout, stderr } = inspect(armored(encode(good()), 'PRIVATE'))
  expect(status).toBe(2)
  expect(stdout).toContain('private_key')
  expect(stdout + stderr).not.toContain(Buffer.from(encode(good())).toString('base64').slice(0, 40))
})

test('names that would drive a terminal show as text, if at all', () => {
  const parts = [primaryKey(), ...identity(`\u001B[2J\u202E <${alice}>`), ...encryptionSubkey()]
  const { status, stdout } = inspect(encode(parts))
  expect(status).toBe(2)
  expect(stdout.replaceAll('\n', '')).toMatch(/^[\x20-\x7E]*$/)
  const missing = run(join(directory, '\u001B[31mnone'), '--email', alice)
  expect(missing.stderr).not.toContain('\u001B')
})

test('a file larger than the limit is not read further', () => {
  const { status, stdout } = inspect(new Uint8Array(10_000_000), '--json')
  expect(status).toBe(2)
  expect(JSON.parse(stdout)).toMatchObject({ reasons: ['too_large'] })
})

test('no file: exit code 1; no plain address: exit code 2', () => {
  expect(run(join(directory, 'none'), '--email', alice).status).toBe(1)
  expect(run(join(directory, 'none'), '--email', 'Alice <alice@bank.test>').status).toBe(2)
})
