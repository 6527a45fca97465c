import { SealpostError } from '../kernel/index.ts'

/** A place between two updates: after all that are of an earlier transaction, or of this one with no higher id. */
export interface Place {
  readonly xid: bigint
  readonly id: bigint
}

const highestXid = 2n ** 64n - 1n
const highestId = 2n ** 63n - 1n

/** The place after everything of the transactions before this one. */
export function placeBefore(xid: bigint): Place {
  return xid === 0n ? { xid, id: 0n } : { xid: xid - 1n, id: highestId }
}

/** A place as applications see it: opaque, and of letters, so that no header that repeats it can look like a card number. */
export function writeCursor({ xid, id }: Place): string {
  return `${letters(xid)}-${letters(id)}`
}

/** Throws `invalid_request` for what no cursor of ours looks like. */
export function readCursor(text: string): Place {
  const [, xid = '', id = ''] = /^([a-j]{1,20})-([a-j]{1,19})$/.exec(text) ?? []
  const place = { xid: digits(xid), id: digits(id) }
  if (xid === '' || place.xid > highestXid || place.id > highestId) throw new SealpostError('invalid_request')
  return place
}

export function isAfter(one: Place, other: Place): boolean {
  return one.xid > other.xid || (one.xid === other.xid && one.id > other.id)
}

/** A number without a digit. */
export function letters(value: bigint): string {
  return value.toString().replace(/\d/g, digit => 'abcdefghij'.charAt(Number(digit)))
}

function digits(text: string): bigint {
  return BigInt(text.replace(/[a-j]/g, letter => String('abcdefghij'.indexOf(letter))))
}
