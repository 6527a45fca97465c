/** The file is not what ISO 32000 says, or does what is not understood here. Caught by `strip-pdf.ts`. */
export class NotUnderstood extends Error {}

/** One value of a PDF, looked through without being built: hostile files can hold millions of small ones. */
export interface Walked {
  readonly end: number
  /** The values of the outermost dictionary: where they begin and end. */
  readonly top: ReadonlyMap<string, readonly [number, number]>
  /** Where each reference stands, and to which object; in order. */
  readonly references: readonly { readonly at: number; readonly to: number }[]
  /** What is to be left out, in order, apart from each other. */
  readonly cuts: readonly (readonly [number, number])[]
}

const deepest = 100
/** In one object; a document has a handful. */
const mostCuts = 10_000
/** Application data, dates of it, where pages of the web came from, which program made a layer: never shown. */
const dropped = new Set(['PieceInfo', 'LastModified', 'SpiderInfo', 'CreatorInfo'])

/**
 * Looks through the value at `from` (ISO 32000-1 section 7.3). `isMetadata` tells of the object of a number whether it is XMP.
 * Throws {@link NotUnderstood}, also for signatures, which a change would break, and files within the file.
 */
export function walk(bytes: Buffer, from: number, isMetadata: (object: number) => boolean): Walked {
  const top = new Map<string, readonly [number, number]>()
  const references: { at: number; to: number }[] = []
  const cuts: [number, number][] = []

  const cut = (start: number, end: number): void => {
    if (cuts.push([start, end]) > mostCuts) throw new NotUnderstood()
  }

  const value = (start: number, depth: number): number => {
    if (depth > deepest) throw new NotUnderstood()
    const code = bytes[start]
    if (code === 0x28) return afterString(bytes, start)
    if (code === 0x3c)
      return bytes[start + 1] === 0x3c ? dictionary(start + 2, depth) : afterHex(bytes, start)
    if (code === 0x5b) return array(start + 1, depth)
    if (code === 0x2f) return afterWord(bytes, start + 1)
    const end = afterWord(bytes, start)
    if (end === start) throw new NotUnderstood()
    const reference = readReference(bytes, start)
    if (reference !== undefined) {
      references.push({ at: start, to: reference.to })
      return reference.end
    }
    if (!/^(?:[-+]*[\d.]+-?\d*|true|false|null)$/.test(latin(bytes, start, Math.min(end, start + 64))))
      throw new NotUnderstood()
    return end
  }

  const array = (start: number, depth: number): number => {
    for (let at = space(start); ; at = space(at)) {
      if (bytes[at] === 0x5d) return at + 1
      at = value(at, depth + 1)
    }
  }

  const dictionary = (start: number, depth: number): number => {
    let type = ''
    let thumbnail: [number, number] | undefined
    for (let at = space(start); ; at = space(at)) {
      if (bytes[at] === 0x3e && bytes[at + 1] === 0x3e) {
        if (type === 'Page' && thumbnail !== undefined) cut(...thumbnail)
        return at + 2
      }
      if (bytes[at] !== 0x2f) throw new NotUnderstood()
      const keyEnd = afterWord(bytes, at + 1)
      const key = nameOf(bytes, at, keyEnd)
      const own = space(keyEnd)
      const end = value(own, depth + 1)
      if (depth === 0) top.set(key, [own, end])
      if (key === 'Type' && bytes[own] === 0x2f) type = nameOf(bytes, own, end)
      if (key === 'ByteRange' || key === 'EF') throw new NotUnderstood()
      if (key === 'Thumb') thumbnail = [at, end]
      const last = references.at(-1)
      const isReference = last?.at === own && bytes[own] !== 0x5b
      if (dropped.has(key) || (key === 'Metadata' && isReference && isMetadata(last.to))) cut(at, end)
      at = end
    }
  }

  /** Over white space and comments, which are left out. */
  const space = (start: number): number => {
    let at = afterSpace(bytes, start)
    if (bytes[at] !== 0x25) return at
    const first = at
    let last = at
    while (bytes[at] === 0x25) {
      while (at < bytes.length && bytes[at] !== 10 && bytes[at] !== 13) at++
      last = at
      at = afterSpace(bytes, at)
    }
    cut(first, last)
    return at
  }

  const end = value(space(from), 0)
  const apart = merged(cuts)
  return { end, top, references: outside(references, apart), cuts: apart }
}

export function afterSpace(bytes: Buffer, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at++
  return at
}

/** The number at `at`, and where it ends; undefined: there is none. */
export function readInteger(bytes: Buffer, at: number): { value: number; end: number } | undefined {
  let end = at
  let value = 0
  while (end - at < 12 && (bytes[end] ?? 0) >= 48 && (bytes[end] ?? 0) <= 57)
    value = value * 10 + (bytes[end++] ?? 0) - 48
  return end === at ? undefined : { value, end }
}

/** `12 0 R` */
function readReference(bytes: Buffer, at: number): { to: number; end: number } | undefined {
  const to = readInteger(bytes, at)
  if (to === undefined || !isSpace(bytes[to.end])) return undefined
  const generation = readInteger(bytes, afterSpace(bytes, to.end))
  if (generation === undefined || !isSpace(bytes[generation.end])) return undefined
  const end = afterSpace(bytes, generation.end)
  return bytes[end] === 0x52 && afterWord(bytes, end) === end + 1 ? { to: to.value, end: end + 1 } : undefined
}

/** A name without its solidus, its escapes decoded (section 7.3.5). */
function nameOf(bytes: Buffer, from: number, end: number): string {
  return latin(bytes, from + 1, Math.min(end, from + 128)).replace(/#([0-9A-Fa-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}

export const latin = (bytes: Buffer, from: number, end: number): string => bytes.toString('latin1', from, end)

function afterString(bytes: Buffer, start: number): number {
  let open = 0
  for (let at = start; at < bytes.length; at++) {
    const code = bytes[at]
    if (code === 0x5c) at++
    else if (code === 0x28) open++
    else if (code === 0x29 && --open === 0) return at + 1
  }
  throw new NotUnderstood()
}

function afterHex(bytes: Buffer, start: number): number {
  const close = bytes.indexOf(0x3e, start)
  if (close < 0) throw new NotUnderstood()
  return close + 1
}

/** White space and delimiters end a word (section 7.2.2). */
const ends = new Uint8Array(256)
for (const code of [0, 9, 10, 12, 13, 32, ...Buffer.from('()<>[]{}/%')]) ends[code] = 1

function afterWord(bytes: Buffer, start: number): number {
  let at = start
  while (at < bytes.length && ends[bytes[at] ?? 0] === 0) at++
  return at
}

const isSpace = (code: number | undefined): boolean =>
  code === 32 || code === 10 || code === 13 || code === 9 || code === 12 || code === 0

function merged(cuts: [number, number][]): [number, number][] {
  const apart: [number, number][] = []
  for (const [from, end] of cuts.toSorted((a, b) => a[0] - b[0])) {
    const last = apart.at(-1)
    if (last !== undefined && from < last[1]) last[1] = Math.max(last[1], end)
    else apart.push([from, end])
  }
  return apart
}

function outside(
  references: readonly { at: number; to: number }[],
  cuts: readonly (readonly [number, number])[],
): { at: number; to: number }[] {
  let next = 0
  return references.filter(({ at }) => {
    while ((cuts[next]?.[1] ?? Infinity) <= at) next++
    return at < (cuts[next]?.[0] ?? Infinity)
  })
}
