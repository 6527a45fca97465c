import { checkPrimeSync, generatePrimeSync, randomBytes } from 'node:crypto'

const half = 1536

/** As the faulty library of CVE-2017-15361 made primes of this size: k·M + (65537^a mod M). */
export function rocaModulus(): bigint {
  const base = firstPrimes(126).reduce((product, prime) => product * prime, 1n)
  return rocaPrime(base) * rocaPrime(base)
}

export function closeFactors(): bigint {
  const p = generatePrimeSync(half, { bigint: true })
  let q = p + 2n
  while (!checkPrimeSync(q)) q += 2n
  return p * q
}

export function withSmallFactor(): bigint {
  return 65521n * generatePrimeSync(2 * half - 15, { bigint: true })
}

export function honestModulus(bits: number): bigint {
  return generatePrimeSync(bits / 2, { bigint: true }) * generatePrimeSync(bits / 2, { bigint: true })
}

function rocaPrime(base: bigint): bigint {
  const top = 3n << BigInt(half - 2)
  for (;;) {
    const k = top / base + (random(half - 2) >> BigInt(base.toString(2).length))
    const candidate = k * base + power(65537n, random(64), base)
    if (candidate.toString(2).length === half && checkPrimeSync(candidate)) return candidate
  }
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let square = base; exponent > 0n; exponent >>= 1n, square = (square * square) % modulus) {
    if ((exponent & 1n) === 1n) result = (result * square) % modulus
  }
  return result
}

function random(bits: number): bigint {
  return BigInt(`0x${randomBytes(Math.ceil(bits / 8)).toString('hex')}`) >> BigInt((8 - (bits % 8)) % 8)
}

function firstPrimes(count: number): readonly bigint[] {
  const primes: bigint[] = []
  for (let candidate = 2n; primes.length < count; candidate++) {
    if (primes.every(prime => candidate % prime !== 0n)) primes.push(candidate)
  }
  return primes
}
