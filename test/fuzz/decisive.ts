import { fingerprintOf, type Part } from '../keys/certificate/packets.ts'

/** Something of a certificate with the newest signature that the key made over it: as hex, one text. */
type Bound = string

export interface Decisive {
  /** Body of the primary key. */
  readonly primary: string
  /** Of the direct-key signature, if there is one. */
  readonly direct: Bound | undefined
  /** Of each user ID that names the address and that the key signed; one good one is enough. */
  readonly userIds: readonly Bound[]
  /** By fingerprint. */
  readonly subkeys: ReadonlyMap<string, Bound>
}

/**
 * The octets that a verdict may rest on: bodies of keys and user IDs, and of the newest self-signature over each what is
 * signed and the signature itself. Not: how packets are framed, unhashed subpackets (they can only say whom to ask),
 * older self-signatures, and everything else in the file.
 */
export function decisiveOctets(bytes: Uint8Array, address: string): Decisive {
  const parts = cut(bytes)
  const primary = parts[0] ?? { tag: 6, body: new Uint8Array() }
  const own = fingerprintOf(primary.body).slice(-16)
  const userIds: Bound[] = []
  const subkeys = new Map<string, Bound>()
  let direct: Bound | undefined
  for (const { part, signatures } of components(parts)) {
    const newest = signatures
      .filter(body => isBy(own, body))
      .sort((a, b) => createdSeconds(b) - createdSeconds(a))[0]
    if (newest === undefined) continue
    const bound = `${hex(part.body)} ${signed(newest)}`
    const text = Buffer.from(part.body).toString('utf8')
    if (part === primary) direct = bound
    else if (part.tag === 14) subkeys.set(fingerprintOf(part.body), bound)
    else if (part.tag === 13 && (text === address || text.endsWith(`<${address}>`))) userIds.push(bound)
  }
  return { primary: hex(primary.body), direct, userIds, subkeys }
}

/** Whether a verdict that pins `subkey` rests on nothing but what `original` has. */
export function restsOn(original: Decisive, mutant: Decisive, subkey: string | null): boolean {
  const pinned = mutant.subkeys.get(subkey ?? '')
  return (
    mutant.primary === original.primary &&
    (mutant.direct === undefined || mutant.direct === original.direct) &&
    mutant.userIds.some(bound => original.userIds.includes(bound)) &&
    pinned !== undefined &&
    pinned === original.subkeys.get(subkey ?? '')
  )
}

function components(parts: readonly Part[]): readonly { part: Part; signatures: Uint8Array[] }[] {
  const found: { part: Part; signatures: Uint8Array[] }[] = []
  for (const part of parts) {
    if (part.tag === 2) found.at(-1)?.signatures.push(part.body)
    else found.push({ part, signatures: [] })
  }
  return found
}

/** The seeds have it as their first subpacket. */
function createdSeconds(body: Uint8Array): number {
  return Buffer.from(body).readUInt32BE(8)
}

/** Packets of any header form with a stated length; a test's own reader, so that it shares no mistake with ours. */
export function cut(bytes: Uint8Array): Part[] {
  const buffer = Buffer.from(bytes)
  const parts: Part[] = []
  for (let at = 0; at < buffer.length; ) {
    const lead = buffer.readUInt8(at++)
    const take = (octets: number): number => {
      const value = buffer.readUIntBE(at, octets)
      at += octets
      return value
    }
    let length: number
    let tag: number
    if ((lead & 0x40) === 0) {
      tag = (lead >> 2) & 15
      length = take(2 ** (lead & 3))
    } else {
      tag = lead & 63
      const first = take(1)
      length = first < 192 ? first : first === 255 ? take(4) : (first - 192) * 256 + take(1) + 192
    }
    parts.push({ tag, body: buffer.subarray(at, at + length) })
    at += length
  }
  return parts
}

/** Whether the signature names the key, or nobody. */
function isBy(keyId: string, body: Uint8Array): boolean {
  const areas = hex(body.subarray(4, unhashedEnd(body)))
  return areas.includes(keyId) || !/09(?:10|90)|16(?:21|a1)/i.test(areas)
}

function signed(body: Uint8Array): string {
  const hashedEnd = 6 + body[4]! * 256 + body[5]!
  return hex(body.subarray(0, hashedEnd)) + hex(body.subarray(unhashedEnd(body)))
}

function unhashedEnd(body: Uint8Array): number {
  const at = 6 + body[4]! * 256 + body[5]!
  return at + 2 + body[at]! * 256 + body[at + 1]!
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex').toUpperCase()
}
