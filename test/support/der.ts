/** Writes DER for tests, sound or not; shares nothing with what reads it. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  let hex = length.toString(16)
  if (hex.length % 2 === 1) hex = `0${hex}`
  return Buffer.concat([Buffer.from([tag, 0x80 + hex.length / 2]), Buffer.from(hex, 'hex'), content])
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
export const nested = (number: number, ...parts: readonly Uint8Array[]): Buffer =>
  der(0xa0 + number, ...parts)
export const plain = (number: number, ...parts: readonly Uint8Array[]): Buffer => der(0x80 + number, ...parts)
export const octets = (content: Uint8Array): Buffer => der(0x04, content)
export const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content)
export const integer = (content: Uint8Array): Buffer => der(0x02, content)
const yes = Buffer.from('0101ff', 'hex')
export const nothing = Buffer.from('0500', 'hex')

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const arcs = [40 * first + second, ...rest].map(arc => {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift(0x80 | (left & 0x7f))
    return Buffer.from(groups)
  })
  return der(0x06, ...arcs)
}

const digits = (date: Date): string => `${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`
export const generalizedTime = (date: Date): Buffer => der(0x18, Buffer.from(digits(date)))
export const utcTime = (date: Date): Buffer => der(0x17, Buffer.from(digits(date).slice(2)))

export interface RawExtension {
  readonly id: string
  readonly critical?: boolean
  readonly value: Buffer
}

export function extensionList(list: readonly RawExtension[]): Buffer {
  return sequence(
    ...list.map(({ id, critical, value }) =>
      sequence(oid(id), ...(critical === true ? [yes] : []), octets(value)),
    ),
  )
}
