import { generatePrimeSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { rsaReasons } from '../../../src/sealer/inside/certificate/rsa.ts'
import { standard } from './certificates.ts'
import { honestModulus } from './weak-rsa.ts'

const policy = { ...standard, minRsaBits: 3000 }
const reasonsFor = (modulus: bigint) =>
  rsaReasons({ modulus, exponent: 65537n, bits: modulus.toString(2).length }, policy)

test('every prime below 2^16 is found as a factor, and no honest modulus has one', () => {
  const cofactor = generatePrimeSync(3071, { bigint: true })
  const sieve = new Uint8Array(1 << 16)
  for (let candidate = 2; candidate < sieve.length; candidate++) {
    if (sieve[candidate] === 1) continue
    for (let multiple = 2 * candidate; multiple < sieve.length; multiple += candidate) sieve[multiple] = 1
    expect([candidate, ...reasonsFor(BigInt(candidate) * cofactor)]).toContain('rsa_small_factor')
  }
  expect(reasonsFor(honestModulus(3072))).toEqual([])
  expect(reasonsFor(cofactor)).toEqual([])
})
