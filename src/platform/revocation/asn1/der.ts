/**
 * An element of DER (X.690): its place in `bytes`, nothing copied. A reader of our own because lists of revoked
 * certificates have millions of elements, and because a parser that forgives is of no use to a check.
 */
export interface Element {
  readonly bytes: Buffer
  readonly tag: number
  /** Where the tag stands. */
  readonly start: number
  /** Where the content begins and ends. */
  readonly from: number
  readonly to: number
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  /** Context-specific tags, of content that is primitive and of content that is constructed. */
  plain: (number: number) => 0x80 | number,
  nested: (number: number) => 0xa0 | number,
} as const

/** Says that octets are not what they should be; nothing of them is repeated. */
export class NotDer extends Error {}

/** The element at `at`, which ends by `limit`. Tags of one octet, lengths of at most four, in their shortest form. */
export function elementAt(bytes: Buffer, at: number, limit: number): Element {
  if (at + 2 > limit) throw new NotDer('too short')
  const tag = bytes.readUInt8(at)
  if ((tag & 0x1f) === 0x1f) throw new NotDer('a long tag')
  const first = bytes.readUInt8(at + 1)
  if (first < 0x80) return bounded({ bytes, tag, start: at, from: at + 2, to: at + 2 + first }, limit)
  const octets = first & 0x7f
  if (octets === 0 || octets > 4 || at + 2 + octets > limit) throw new NotDer('length')
  const length = bytes.readUIntBE(at + 2, octets)
  if (length < 0x80 || length < 2 ** (8 * (octets - 1))) throw new NotDer('length not in its shortest form')
  const from = at + 2 + octets
  return bounded({ bytes, tag, start: at, from, to: from + length }, limit)
}

/** The one element that fills `bytes`. */
export function only(bytes: Buffer, tag: number): Element {
  const element = elementAt(bytes, 0, bytes.length)
  if (element.to !== bytes.length) throw new NotDer('something follows')
  return expectTag(element, tag)
}

export function children(parent: Element): Element[] {
  const found: Element[] = []
  for (let at = parent.from; at < parent.to; ) {
    const child = elementAt(parent.bytes, at, parent.to)
    found.push(child)
    at = child.to
  }
  return found
}

/** The only child. */
export function inner(parent: Element, tag: number): Element {
  const [child, ...more] = children(parent)
  if (more.length > 0) throw new NotDer('something follows')
  return expectTag(child, tag)
}

export function expectTag(element: Element | undefined, tag: number): Element {
  if (element?.tag !== tag) throw new NotDer('another tag')
  return element
}

export function content({ bytes, from, to }: Element): Buffer {
  return bytes.subarray(from, to)
}

/** With its tag and length. */
export function encoded({ bytes, start, to }: Element): Buffer {
  return bytes.subarray(start, to)
}

/** Writes an element. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body])
}

function bounded(element: Element, limit: number): Element {
  if (element.to > limit) throw new NotDer('longer than what it is in')
  return element
}
