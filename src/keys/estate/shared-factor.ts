import type { Knex } from 'knex'
import { type RecipientId, SealpostError } from '../../kernel/index.ts'
import { knownModuli } from './store.ts'

/**
 * Refuses RSA keys that share a prime with any other key of the house, in certificates of whatever state and in open
 * proposals: whoever has both can compute both private keys. The whole modulus of another recipient is refused as well;
 * the same recipient may show the same key again. Throws `certificate_refused` with the detail `rsa_shared_factor`. Not
 * part of the verdict of a sandbox, which knows only one certificate. Two that come at once do not see each other.
 *
 * Measured with 100,000 moduli of 4096 bits on two shared cores: 2.5 s, of which 1.5 s are computing, in slices that
 * held the event loop for 45 ms at most.
 *
 * @param moduli hex, big-endian; of the primary key and the subkey
 */
export async function assertNoSharedFactor(
  knex: Knex,
  moduli: readonly string[],
  recipient: RecipientId,
): Promise<void> {
  const mine = [...new Set(moduli.map(modulus => BigInt(`0x${modulus}`)))]
  if (mine.length === 0) return
  // gcd(N, the product of all others modulo N) is 1 when N shares nothing with any of them.
  const products = mine.map(modulus =>
    productOf(
      1n,
      mine.filter(other => other !== modulus),
      modulus,
    ),
  )
  for await (const batch of knownModuli(knex, recipient)) {
    const others = batch.filter(({ modulus, own }) => !own || !mine.includes(modulus))
    mine.forEach((modulus, i) => {
      products[i] = productOf(
        products[i] ?? 0n,
        others.map(other => other.modulus),
        modulus,
      )
    })
  }
  if (mine.some((modulus, i) => gcd(modulus, products[i] ?? 0n) !== 1n))
    throw new SealpostError('certificate_refused', { detail: 'rsa_shared_factor' })
}

function productOf(start: bigint, others: readonly bigint[], modulus: bigint): bigint {
  return others.reduce((product, other) => (product * other) % modulus, start)
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}
