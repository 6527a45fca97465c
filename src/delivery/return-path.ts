import { type Address, type DeliveryId, isAddress, isId } from '../kernel/index.ts'

/**
 * The address that reports on a delivery come back to (VERP): `bounce+`, the delivery's id without its prefix, and our
 * domain for them. Its local part has 33 octets, of the 64 that RFC 5321 allows.
 */
export function returnPathOf(delivery: DeliveryId, domain: string): Address {
  const address = `${mark}${delivery.slice(prefix.length)}@${domain}`
  if (!isAddress(address)) throw new Error('not a domain for return paths')
  return address
}

/**
 * The delivery that a return path is of; undefined when it is none of `domain`. Servers may have changed its case. It proves
 * nothing: whoever knows the id can write to it.
 */
export function deliveryOfReturnPath(address: string, domain: string): DeliveryId | undefined {
  const text = address.toLowerCase()
  if (address.length > 320 || !text.startsWith(mark) || !text.endsWith(`@${domain}`)) return undefined
  const id = `${prefix}${text.slice(mark.length, -domain.length - 1)}`
  return isId('dlv', id) ? id : undefined
}

const mark = 'bounce+'
const prefix = 'dlv_'
