import type { KeyObject } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CertificateParts, mayKey } from '../asn1/certificate.ts'
import {
  children,
  content,
  type Element,
  elementAt,
  encoded,
  expectTag,
  inner,
  NotDer,
  only,
  tags,
} from '../asn1/der.ts'
import { extensions, refuseCritical } from '../asn1/extensions.ts'
import { isSigned } from '../asn1/signature.ts'
import { isTime, time, wholeBits } from '../asn1/values.ts'
import { type Scope, scopeOf } from './scope.ts'

/** A list of revoked certificates that its CA signed. */
export interface RevokedList {
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly scope: Scope
  readonly der: Buffer
  /** By the content octets of the serial number; about a millisecond for a hundred thousand entries. */
  has(serial: Buffer): boolean
}

export interface Issuer {
  readonly parts: CertificateParts
  readonly key: KeyObject
}

/**
 * Reads a full list by `issuer`, in slices that leave the event loop free. Throws unless every octet of it has its place,
 * the signature is the issuer's, and nothing in it is critical and not understood (RFC 5280 sections 5 and 6.3). Whether it is
 * fresh, and whether it speaks of a certificate, is for the caller to ask.
 */
export async function readList(der: Buffer, issuer: Issuer): Promise<RevokedList> {
  const [signed, algorithm, signature, ...more] = children(only(der, tags.sequence))
  const parts = children(expectTag(signed, tags.sequence))
  const [version, signedAlgorithm, name, thisUpdate, nextUpdate, ...rest] = parts
  if (signed === undefined || algorithm === undefined || signature === undefined || more.length > 0)
    throw new NotDer('no list')
  // Version 1 has no extensions, and so no way to say that it is partial; nobody makes it any more.
  if (!content(expectTag(version, tags.integer)).equals(Buffer.from([1]))) throw new NotDer('version')
  if (!same(signedAlgorithm, algorithm)) throw new NotDer('two algorithms')
  if (!encoded(expectTag(name, tags.sequence)).equals(issuer.parts.subject))
    throw new NotDer('another issuer')
  if (!mayKey(issuer.parts, 'cRLSign')) throw new NotDer('a key that is not for lists')
  if (nextUpdate === undefined || !isTime(nextUpdate)) throw new NotDer('no end')
  if (!(await isSigned(encoded(signed), algorithm, wholeBits(signature), issuer.key)))
    throw new NotDer('signature')

  const entries = rest[0]?.tag === tags.sequence ? rest.shift() : undefined
  const [own, ...beyond] = rest
  if (beyond.length > 0) throw new NotDer('something follows')
  const serials = entries === undefined ? new Uint32Array() : await serialsOf(entries)
  return {
    thisUpdate: time(thisUpdate),
    nextUpdate: time(nextUpdate),
    scope: scopeOf(
      own === undefined ? new Map() : extensions(inner(expectTag(own, tags.nested(0)), tags.sequence)),
    ),
    der,
    has: serial => hasSerial(der, serials, serial),
  }
}

function same(one: Element | undefined, other: Element): boolean {
  return one !== undefined && encoded(one).equals(encoded(other))
}

/** Milliseconds of reading after which others have their turn; the time is looked at every so many entries. */
const slice = 10
const look = 500
/** Octets of the shortest entry: a serial number of one octet and a UTCTime. */
const leastEntry = 20

/** Where the serial number of each entry stands. */
async function serialsOf({ bytes, from, to }: Element): Promise<Uint32Array> {
  const places = new Uint32Array(Math.ceil((to - from) / leastEntry))
  let count = 0
  let began = performance.now()
  for (let at = from; at < to; count++) {
    const entry = expectTag(elementAt(bytes, at, to), tags.sequence)
    const serial = expectTag(elementAt(bytes, entry.from, entry.to), tags.integer)
    const date = elementAt(bytes, serial.to, entry.to)
    if (!isTime(date) || count === places.length) throw new NotDer('no entry')
    // A critical extension here names another issuer (an indirect list), or is one that nobody knows.
    if (date.to < entry.to) refuseCritical(extensions(last(bytes, date.to, entry.to)), [])
    places[count] = serial.start
    at = entry.to
    if (count % look === 0 && performance.now() - began > slice) {
      await nextTurn()
      began = performance.now()
    }
  }
  return places.subarray(0, count)
}

/** The one element that is left until `to`. */
function last(bytes: Buffer, at: number, to: number): Element {
  const element = elementAt(bytes, at, to)
  if (element.to !== to) throw new NotDer('something follows')
  return element
}

function hasSerial(der: Buffer, places: Uint32Array, serial: Buffer): boolean {
  if (serial.length === 0 || serial.length > 127) throw new NotDer('serial')
  const last = serial.length - 1
  for (const place of places) {
    // The last octet tells nearly all apart; comparing buffers would be ten times as slow.
    if (der[place + 1] === serial.length && der[place + 2 + last] === serial[last]) {
      if (der.subarray(place + 2, place + 2 + serial.length).equals(serial)) return true
    }
  }
  return false
}
