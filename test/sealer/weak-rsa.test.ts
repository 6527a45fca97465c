import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { CertificateVerdict } from '../../src/sealer/host/index.ts'
import { readWeakRsaLists, withoutWeakRsa } from '../../src/sealer/host/weak-rsa.ts'

const directory = mkdtempSync(join(tmpdir(), 'sealpost-weak-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** The form of Debian's list: `openssl rsa -noout -modulus | sha1sum`, without the first 20 digits. */
const lineOf = (modulus: string) => createHash('sha1').update(`Modulus=${modulus}\n`).digest('hex').slice(20)
/** As in the source of the package, with the whole digest. */
const sourceLineOf = (modulus: string) =>
  `4096 le64 17 rnd ${createHash('sha1').update(`Modulus=${modulus}\n`).digest('hex')}`
const modulus = () => randomBytes(384).toString('hex').toUpperCase()
const accepted = (rsaModuli: readonly string[]): CertificateVerdict => ({
  verdict: 'accept',
  reasons: [],
  fingerprint: 'A'.repeat(40),
  encryptionSubkey: 'B'.repeat(40),
  algorithm: 'rsa3072',
  format: 'seipdv1',
  expires: '2030-01-01T00:00:00.000Z',
  expiresFor: 'cryptoperiod_over',
  legacy: true,
  rsaModuli,
  certifiedByGiven: true,
})

test('a certificate with a key on a list is refused, whichever of its keys it is; others are not touched', () => {
  const weak = Array.from({ length: 1000 }, modulus)
  writeFileSync(
    join(directory, 'blacklist.RSA-3072'),
    `# comment\n${weak.slice(0, 600).map(lineOf).join('\n')}\n`,
  )
  writeFileSync(join(directory, 'blacklist.RSA-4096'), weak.slice(600).map(sourceLineOf).join('\n'))
  const list = readWeakRsaLists(directory)
  expect(list.size).toBe(1000)
  for (const one of weak) {
    expect(withoutWeakRsa(accepted([modulus(), one]), list)).toMatchObject({
      verdict: 'reject',
      reasons: ['rsa_debian_weak'],
    })
  }
  const sound = accepted([modulus(), modulus()])
  expect(withoutWeakRsa(sound, list)).toBe(sound)
  expect(withoutWeakRsa(accepted([]), list)).toMatchObject({ verdict: 'accept' })
})

test('a file that is no list stops the program rather than being half used', () => {
  writeFileSync(join(directory, 'other'), `${lineOf('AB')}\n<html>`)
  expect(() => readWeakRsaLists(directory)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})

test('no directory, no list', () => {
  expect(readWeakRsaLists(join(directory, 'none')).size).toBe(0)
})
