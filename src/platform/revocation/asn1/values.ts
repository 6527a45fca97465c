import { content, type Element, NotDer, tags } from './der.ts'

/** In dotted form. */
export function oid(element: Element | undefined): string {
  if (element?.tag !== tags.oid || element.from === element.to) throw new NotDer('no object identifier')
  const arcs: number[] = []
  let arc = 0
  for (const octet of content(element)) {
    arc = arc * 128 + (octet & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new NotDer('an endless arc')
    if (octet < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [first = 0, ...rest] = arcs
  const top = Math.min(Math.floor(first / 40), 2)
  return [top, first - 40 * top, ...rest].join('.')
}

/** UTCTime or GeneralizedTime, in UTC, without fractions of a second (RFC 5280 section 4.1.2.5). */
export function time(element: Element | undefined): Date {
  if (element === undefined) throw new NotDer('no time')
  const text = content(element).toString('latin1')
  const long = element.tag === tags.generalizedTime ? text : century(element, text)
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(long) ?? []
  const read = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(read.getTime())) throw new NotDer('no time')
  return read
}

function century({ tag }: Element, text: string): string {
  if (tag !== tags.utcTime) throw new NotDer('no time')
  return Number(text.slice(0, 2)) < 50 ? `20${text}` : `19${text}`
}

export function isTime({ tag }: Element): boolean {
  return tag === tags.utcTime || tag === tags.generalizedTime
}

/** TRUE is one octet of ones; FALSE, being the default everywhere here, is not written. */
export function isTrue(element: Element): boolean {
  const octets = content(element)
  if (octets.length !== 1 || octets[0] !== 0xff) throw new NotDer('no TRUE')
  return true
}

/** The octets of a BIT STRING that ends with an octet. */
export function wholeBits(element: Element): Buffer {
  const octets = content(element)
  if (element.tag !== tags.bitString || octets[0] !== 0) throw new NotDer('no whole bits')
  return octets.subarray(1)
}

/** Whether a bit of a named bit list is set; bit 0 is the first. */
export function hasBit(element: Element, bit: number): boolean {
  const octets = content(element)
  if (element.tag !== tags.bitString || octets.length === 0) throw new NotDer('no bits')
  return ((octets[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0
}
