import { concat, encode, octets, type Part } from '../keys/certificate/packets.ts'

/** A number from 0 up to, not including, `below`. */
export type Chance = (below: number) => number

/** What a mutation is and the file that came of it. `whole`: packets were left out, doubled or moved, none was changed. */
export interface Mutant {
  readonly kind: string
  readonly whole: boolean
  readonly bytes: Uint8Array
}

/** Repeatable: the same seed, the same numbers (mulberry32). */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

type Mutate = (
  parts: readonly Part[],
  chance: Chance,
  foreign: readonly Part[],
) => readonly Part[] | Uint8Array

const onOctets: Readonly<Record<string, Mutate>> = {
  'bits flipped': (parts, chance) => flipped(encode(parts), chance, 1 + chance(4)),
  'one bit flipped': (parts, chance) => flipped(encode(parts), chance, 1),
  'one octet set': (parts, chance) => {
    const bytes = encode(parts)
    bytes[chance(bytes.length)] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][chance(6)] ?? 0
    return bytes
  },
  'octets put in': (parts, chance) => {
    const bytes = encode(parts)
    const at = chance(bytes.length)
    const noise = Uint8Array.from({ length: 1 + chance(16) }, () => chance(256))
    return concat(bytes.slice(0, at), noise, bytes.slice(at))
  },
  'a length changed': (parts, chance) => {
    const which = chance(parts.length)
    return concat(
      ...parts.map(({ tag, body }, i) => {
        const length = i === which ? Math.max(0, body.length + chance(41) - 20) : body.length
        return concat(Uint8Array.of(0xc0 | tag, 0xff), octets(length, 4), body)
      }),
    )
  },
  'an old header': (parts, chance) => {
    const which = chance(parts.length)
    return concat(
      ...parts.map(({ tag, body }, i) => {
        if (i !== which || tag > 15) return encode([{ tag, body }])
        const type = chance(4) // 3: of no stated length
        const length = type === 3 ? new Uint8Array() : octets(body.length, 2 ** type)
        return concat(Uint8Array.of(0x80 | (tag << 2) | type), length, body)
      }),
    )
  },
}

const inPacket: Readonly<Record<string, Mutate>> = {
  'a body shortened': (parts, chance) =>
    changeOne(parts, chance, body => body.slice(0, Math.max(0, body.length - 1 - chance(20)))),
  'a body lengthened': (parts, chance) =>
    changeOne(parts, chance, body => concat(body, new Uint8Array(1 + chance(20)).fill(chance(256)))),
  'a tag changed': (parts, chance) => {
    const which = chance(parts.length)
    return parts.map((part, i) => (i === which ? { ...part, tag: chance(64) } : part))
  },
  "another packet's body": (parts, chance, foreign) =>
    changeOne(
      parts,
      chance,
      () => [...parts, ...foreign][chance(parts.length + foreign.length)]?.body ?? new Uint8Array(),
    ),
}

const wholePackets: Readonly<Record<string, Mutate>> = {
  // These two may hit where a packet begins and ends.
  truncated: (parts, chance) => encode(parts).slice(0, chance(encode(parts).length)),
  'a run of octets cut out': (parts, chance) => {
    const bytes = encode(parts)
    const at = chance(bytes.length)
    return concat(bytes.slice(0, at), bytes.slice(at + 1 + chance(64)))
  },
  'a packet left out': (parts, chance) => parts.toSpliced(chance(parts.length), 1),
  'a packet doubled': (parts, chance) => parts.toSpliced(chance(parts.length), 0, pick(parts, chance)),
  'a packet moved': (parts, chance) => {
    const from = chance(parts.length)
    return parts.toSpliced(from, 1).toSpliced(chance(parts.length), 0, ...parts.slice(from, from + 1))
  },
  'packets shuffled': (parts, chance) =>
    parts
      .map(part => ({ part, key: chance(2 ** 30) }))
      .sort((a, b) => a.key - b.key)
      .map(({ part }) => part),
  "a stranger's packet put in": (parts, chance, foreign) =>
    parts.toSpliced(chance(parts.length + 1), 0, pick(foreign, chance)),
}

const kinds = Object.entries({ ...onOctets, ...inPacket, ...wholePackets })

/** One mutation of a certificate; two of them one time in four. */
export function mutate(parts: readonly Part[], chance: Chance, foreign: readonly Part[]): Mutant {
  const [kind, change] = kinds[chance(kinds.length)] ?? ['', encode]
  const result = change(parts, chance, foreign)
  const whole = kind in wholePackets
  if (!(result instanceof Uint8Array) && result.length > 0 && chance(4) === 0) {
    const second = mutate(result, chance, foreign)
    return { ...second, kind: `${kind}, ${second.kind}`, whole: whole && second.whole }
  }
  return { kind, whole, bytes: result instanceof Uint8Array ? result : encode(result) }
}

function flipped(bytes: Uint8Array, chance: Chance, count: number): Uint8Array {
  for (let i = 0; i < count; i++) {
    const at = chance(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << chance(8))
  }
  return bytes
}

function changeOne(parts: readonly Part[], chance: Chance, change: (body: Uint8Array) => Uint8Array): Part[] {
  const which = chance(parts.length)
  return parts.map((part, i) => (i === which ? { ...part, body: change(part.body) } : part))
}

function pick(parts: readonly Part[], chance: Chance): Part {
  return parts[chance(parts.length)] ?? { tag: 0, body: new Uint8Array() }
}
