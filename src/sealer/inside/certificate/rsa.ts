import type { CertificatePolicy, CertificateReason } from '../../protocol.ts'
import type { RsaNumbers } from './key-packet.ts'

/** FIPS 186-5 section 5.4: odd, above 2^16, below 2^256. */
const exponentBounds = { above: 1n << 16n, below: 1n << 256n }

const smallPrimes = primesBelow(1 << 16)

/** Triples, whose products are exact as numbers, and the products of 20 of those. */
const smallPrimeTree = inRuns(
  inRuns(smallPrimes, 3).map(primes => ({ primes, product: productOf(primes.map(BigInt)) })),
  20,
).map(triples => ({ triples, product: productOf(triples.map(({ product }) => product)) }))

/** The primes by which ROCA keys are told (Nemec and others, CCS 2017, section 5.1). */
const rocaPrimes = smallPrimes
  .filter(prime => prime > 2 && prime <= 167)
  .map(prime => ({ prime: BigInt(prime), powers: powersOf65537(prime) }))

/** Primes that differ by less than some 2^(bits/4 + 7) fall within these steps; honest ones never do. */
const fermatSteps = 100

/**
 * Why an RSA key is not acceptable. The searches run only on a modulus of an allowed size, which bounds them to some
 * tens of milliseconds.
 */
export function rsaReasons(rsa: RsaNumbers, policy: CertificatePolicy): readonly CertificateReason[] {
  const { modulus, exponent, bits } = rsa
  if (bits < policy.minRsaBits) return ['rsa_too_small']
  if (bits > policy.maxRsaBits) return ['rsa_too_large']
  const reasons: CertificateReason[] = []
  if (exponent % 2n === 0n || exponent <= exponentBounds.above || exponent >= exponentBounds.below) {
    reasons.push('rsa_weak_exponent')
  }
  if (hasSmallFactor(modulus)) reasons.push('rsa_small_factor')
  else if (hasCloseFactors(modulus)) reasons.push('rsa_fermat')
  if (isRoca(modulus)) reasons.push('rsa_roca')
  return reasons
}

/** By a tree of products, so that most divisions are of small numbers: several times faster than one by one. */
function hasSmallFactor(modulus: bigint): boolean {
  return smallPrimeTree.some(({ product, triples }) => {
    const rest = modulus % product
    return triples.some(triple => {
      const small = Number(rest % triple.product)
      return triple.primes.some(prime => small % prime === 0)
    })
  })
}

/** Fermat's method: modulus = a² - b² with a just above its square root. */
function hasCloseFactors(modulus: bigint): boolean {
  let a = squareRoot(modulus)
  if (a * a < modulus) a += 1n
  for (let step = 0; step < fermatSteps; step++, a += 1n) {
    const square = a * a - modulus
    // Squares end in one of 44 of 256 octets: most candidates need no root.
    if (!lastOctetsOfSquares.has(Number(square & 0xffn))) continue
    const b = squareRoot(square)
    if (b * b === square) return true
  }
  return false
}

/** The faulty library's primes are powers of 65537 modulo every small prime, so its moduli are too. */
function isRoca(modulus: bigint): boolean {
  return rocaPrimes.every(({ prime, powers }) => powers.has(Number(modulus % prime)))
}

function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power)
  return powers
}

const lastOctetsOfSquares: ReadonlySet<number> = new Set(
  Array.from({ length: 256 }, (_, octet) => (octet * octet) & 0xff),
)

function inRuns<Item>(items: readonly Item[], length: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, i) =>
    items.slice(i * length, (i + 1) * length),
  )
}

function productOf(numbers: readonly bigint[]): bigint {
  return numbers.reduce((product, number) => product * number, 1n)
}

/** The integer below or at the square root, by Newton's method. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value
  let root = 1n << BigInt(Math.ceil(value.toString(16).length * 2))
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

function primesBelow(limit: number): readonly number[] {
  const composite = new Uint8Array(limit)
  const primes: number[] = []
  for (let candidate = 2; candidate < limit; candidate++) {
    if (composite[candidate] === 1) continue
    primes.push(candidate)
    for (let multiple = candidate * candidate; multiple < limit; multiple += candidate)
      composite[multiple] = 1
  }
  return primes
}
