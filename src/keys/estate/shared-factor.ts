import type { Knex } from 'knex'
import { type RecipientId, SealpostError } from '../../kernel/index.ts'
import { moduliOfOthers } from './store.ts'

/**
 * Refuses RSA keys that share a prime factor, or the whole modulus, with a key of any other recipient: certificates of
 * whatever state and open proposals. Whoever has both can compute both private keys. Throws `certificate_refused` with
 * the detail `rsa_shared_factor`. Not part of the verdict of a sandbox, which knows only one certificate.
 *
 * @param moduli hex, big-endian
 * @param except the recipient whose own keys may repeat a modulus: a renewed certificate with the same key
 */
export async function assertNoSharedFactor(
  knex: Knex,
  moduli: readonly string[],
  except: RecipientId,
): Promise<void> {
  const own = moduli.map(modulus => BigInt(`0x${modulus}`))
  if (own.length === 0) return
  for await (const batch of moduliOfOthers(knex, except)) {
    if (own.some(modulus => sharesFactor(modulus, batch)))
      throw new SealpostError('certificate_refused', { detail: 'rsa_shared_factor' })
  }
}

/** Whether `modulus` has a common factor with any of `others`: gcd(N, product of the others modulo N). */
export function sharesFactor(modulus: bigint, others: readonly bigint[]): boolean {
  const product = others.reduce((sofar, other) => (sofar * other) % modulus, 1n)
  return gcd(modulus, product) !== 1n
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}
