import { randomBytes } from 'node:crypto'
import { brandOf, mayBegin } from './brands.ts'
import { dot, newline } from './characters.ts'
import { type Groups, noGap } from './groups.ts'

/** Where a card number stands; never its digits. */
export interface Pan {
  readonly brand: string
  /** Of its first byte, and of the byte after its last. */
  readonly offset: number
  readonly end: number
  /** The same for the same number, in this process only. */
  readonly key: number
}

const seed = randomBytes(4).readUInt32LE()

function keyOf(digits: Uint8Array, first: number, length: number): number {
  let [low, high] = [seed, ~seed]
  for (let i = first; i < first + length; i++) {
    low = Math.imul(low ^ (digits[i] as number), 0x01000193)
    high = Math.imul(high + (digits[i] as number), 0x85ebca6b) ^ (low >>> 15)
  }
  return (high >>> 0) * 0x10_0000 + ((low >>> 0) & 0xf_ffff)
}

const shortest = 12
const longest = 19

/** Card numbers among the groups of a stretch, in order, none overlapping. Time is linear in the number of groups. */
export function findPans(bytes: Uint8Array, groups: Groups): Pan[] {
  const found: Pan[] = []
  for (let chain = 0; chain < groups.count; ) {
    let next = chain + 1
    while (next < groups.count && groups.gap[next] !== noGap) next++
    inChain(bytes, groups, chain, next, found)
    chain = next
  }
  return found
}

/** A chain: groups from `from` to before `to` with a separator between each and the next. */
function inChain(bytes: Uint8Array, groups: Groups, from: number, to: number, found: Pan[]): void {
  let fresh = from
  for (let i = from; i < to; ) {
    const chain = { from, to, fresh }
    const taken = wholeGroup(bytes, groups, chain, i, found) || joined(bytes, groups, chain, i, found)
    i += Math.max(taken, 1)
    if (taken > 0) fresh = i
  }
}

/** A number that is written in one piece; also with zeros before it. Gives how many groups it took. */
function wholeGroup(bytes: Uint8Array, groups: Groups, chain: Chain, i: number, found: Pan[]): 0 | 1 {
  let first = groups.first[i] as number
  const next = groups.first[i + 1] as number
  if (next - first < shortest || next - first > 40) return 0
  if (next - first > longest) while (groups.digits[first] === 0 && first < next) first++
  const length = next - first
  if (length < shortest || length > longest) return 0
  const brand = brandOf(groups.digits, first, length)
  if (brand === undefined || isTechnical(bytes, groups.start[i] as number, groups.end[i] as number)) return 0
  if (isOther(bytes, groups, chain)) return 0
  found.push({
    brand,
    offset: groups.start[i] as number,
    end: groups.end[i] as number,
    key: keyOf(groups.digits, first, length),
  })
  return 1
}

interface Chain {
  readonly from: number
  readonly to: number
  /** Where the last number ended: what follows it is as good as a beginning. */
  readonly fresh: number
}

/** Sizes of groups that people write card numbers in: by fours, and as on cards of 14 and 15 digits. */
const usual = new Set(
  [
    '4441',
    '4442',
    '4443',
    '4444',
    '4445',
    '4446',
    '4447',
    '44441',
    '44442',
    '44443',
    '465',
    '464',
    '4464',
    '446',
    '445',
  ].map(keyOfSizes),
)
const threeFours = keyOfSizes('444')

function keyOfSizes(sizes: string): number {
  return Array.from(sizes).reduce((key, each) => key * 32 + Number(each), 0)
}

/** A number that is written in groups, the first of which is `i`. Gives how many groups it took. */
function joined(bytes: Uint8Array, groups: Groups, chain: Chain, i: number, found: Pan[]): number {
  const { first: at, gap } = groups
  const first = at[i] as number
  if (i + 1 >= chain.to || !mayBegin(groups.digits, first)) return 0
  const kind = gap[i + 1] as number
  const own = size(groups, i)
  // Only numbers in fours may have other groups beside them.
  if (own !== 4 && (i !== chain.fresh || chain.to - i > longest)) return 0
  const begins = i === chain.fresh || gap[i] !== kind || size(groups, i - 1) !== own
  let sizes = own
  let [lines, smallest] = [0, own]
  for (let last = i + 1; last < chain.to && last - i < longest; last++) {
    if (gap[last] === newline) lines++
    else if (gap[last] !== kind && kind !== newline) return 0
    const length = (at[last + 1] as number) - first
    if (length > longest || lines > 1) return 0
    const count = last - i + 1
    const each = size(groups, last)
    sizes = count > 5 ? 0 : sizes * 32 + each
    smallest = Math.min(smallest, each)
    if (length < shortest) continue
    const ends = last + 1 === chain.to || gap[last + 1] !== kind
    const fits = usual.has(sizes)
      ? begins
        ? ends || mayFollow(groups, chain, last + 1)
        : i === chain.fresh + 1 && ends
      : (i === chain.fresh || gap[i] !== kind) &&
        (sizes === threeFours
          ? ends || size(groups, last + 1) < 4
          : ends &&
            last + 1 === chain.to &&
            lines === 0 &&
            (count === length || (count <= 9 && smallest >= 2 && (kind !== dot || count >= 3))))
    if (!fits) continue
    const brand = brandOf(groups.digits, first, length)
    if (brand === undefined || isOther(bytes, groups, chain)) continue
    if (isTechnical(bytes, groups.start[i] as number, groups.end[last] as number)) continue
    found.push({
      brand,
      offset: groups.start[i] as number,
      end: groups.end[last] as number,
      key: keyOf(groups.digits, first, length),
    })
    return count
  }
  return 0
}

/** Whether groups from `i` on are none of the number before them: of another size, an expiry, another number. */
function mayFollow({ digits, first }: Groups, { to }: Chain, i: number): boolean {
  const at = first[i] as number
  const each = (first[i + 1] as number) - at
  if (each !== 4) return true
  const [month, year] = [2, 0].map(k => (digits[at + 2 - k] as number) * 10 + (digits[at + 3 - k] as number))
  if ([month, year].some(value => value !== undefined && value >= 1 && value <= 12)) return true
  return i + 3 < to && (first[i + 4] as number) - at === 16 && brandOf(digits, at, 16) !== undefined
}

const size = (groups: Groups, i: number): number =>
  (groups.first[i + 1] as number) - (groups.first[i] as number)

const isHex = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9A-Fa-f-]/.test(String.fromCharCode(byte)) ? 1 : 0,
)
const isWord = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9A-Za-z+/=_-]/.test(String.fromCharCode(byte)) ? 1 : 0,
)

/** Whether the digits are a part of a digest, a UUID, a key: a run of hex digits, or of base64, much longer than they are. */
function isTechnical(bytes: Uint8Array, start: number, end: number): boolean {
  if (isWord[bytes[start - 1] ?? 0] === 0 && isWord[bytes[end] ?? 0] === 0) return false
  const hexRun = run(bytes, start, end, isHex, 32)
  if (hexRun.length >= 24 && /[A-Fa-f]/.test(hexRun)) return true
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(hexRun)) return true
  const wordRun = run(bytes, start, end, isWord, 48)
  return wordRun.length >= 40 && (wordRun.match(/[A-Za-z]/g)?.length ?? 0) >= 12
}

/** The characters of a kind around a place, at most `reach` on either side. */
function run(bytes: Uint8Array, start: number, end: number, kind: Uint8Array, reach: number): string {
  let [from, to] = [start, end]
  while (from > 0 && start - from < reach && kind[bytes[from - 1] as number] === 1) from--
  while (to < bytes.length && to - end < reach && kind[bytes[to] as number] === 1) to++
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
}

/** Lengths of IBANs (ISO 13616) of countries whose account numbers are digits, without the letters of the country. */
const ibanDigits: Readonly<Record<string, number>> = {
  AE: 21,
  AT: 18,
  BE: 14,
  CH: 19,
  CZ: 22,
  DE: 20,
  DK: 16,
  EE: 18,
  ES: 22,
  FI: 16,
  GR: 25,
  HR: 19,
  HU: 26,
  IL: 21,
  IS: 24,
  LT: 18,
  LU: 18,
  NO: 13,
  PL: 26,
  PT: 23,
  SA: 22,
  SE: 22,
  SI: 17,
  SK: 22,
  TR: 24,
}

/** An IBAN whose check digits fit: two letters stand before the chain. Or a telephone number (E.164): a plus does. */
function isOther(bytes: Uint8Array, groups: Groups, chain: Chain): boolean {
  const start = groups.start[chain.from] as number
  const digits = groups.digits.subarray(groups.first[chain.from], groups.first[chain.to])
  if (digits.length <= 15 && bytes[start - 1] === 0x2b) return true
  if (start < 2) return false
  const country = String.fromCharCode(bytes[start - 2] as number, bytes[start - 1] as number).toUpperCase()
  if (ibanDigits[country] !== digits.length) return false
  const letters = Array.from(country)
    .map(char => String(char.charCodeAt(0) - 55))
    .join('')
  const rotated = `${[...digits.subarray(2)].join('')}${letters}${[...digits.subarray(0, 2)].join('')}`
  return BigInt(rotated) % 97n === 1n
}
