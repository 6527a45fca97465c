import { children, content, type Element, expectTag, NotDer, only, tags } from './der.ts'
import { isTrue, oid } from './values.ts'

export interface Extension {
  readonly critical: boolean
  /** What its OCTET STRING holds. */
  readonly value: Buffer
}

/** By object identifier, of an `Extensions` sequence (RFC 5280 section 4.1). The same one twice is refused. */
export function extensions(sequence: Element): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>()
  for (const extension of children(expectTag(sequence, tags.sequence))) {
    const [id, ...rest] = children(expectTag(extension, tags.sequence))
    const critical = rest.length === 2
    const value = rest.at(-1)
    if (rest.length > 2 || (critical && !isTrue(expectTag(rest[0], tags.boolean))))
      throw new NotDer('extension')
    const name = oid(id)
    if (found.has(name)) throw new NotDer('an extension twice')
    found.set(name, { critical, value: content(expectTag(value, tags.octetString)) })
  }
  return found
}

/** Throws when something critical is not among `understood`. */
export function refuseCritical(found: ReadonlyMap<string, Extension>, understood: readonly string[]): void {
  for (const [name, { critical }] of found)
    if (critical && !understood.includes(name)) throw new NotDer('something critical that is not understood')
}

/** The element that an extension holds. */
export function valueOf({ value }: Extension, tag: number): Element {
  return only(value, tag)
}
