import { unwrapArmor } from './armor.ts'
import { type Outline, outlineOf } from './outline.ts'
import { cutPackets, tags } from './packets.ts'
import { Refusal } from './refusal.ts'
import { claimsIssuer, type SignaturePacket, types } from './signature-packet.ts'

/**
 * Two copies of one certificate made one, binary: every user ID, subkey and self-signature of either. Nothing that the
 * owner ever said is lost by an older or stripped copy, a revocation least of all, and the order in which copies come
 * makes no difference to the octets. Certifications by others and user attributes are left out.
 *
 * Verifies nothing: the verdict on the result does. Undefined when the two are not of one primary key, when one
 * cannot be read, or when the result is more than a certificate may be.
 */
export function mergeCopies(one: Uint8Array, other: Uint8Array): Uint8Array | undefined {
  try {
    const [a, b] = [read(one), read(other)]
    if (!Buffer.from(a.primary.body).equals(b.primary.body)) return undefined
    const merged = write([a, b])
    read(merged)
    return merged.length > maxOctets ? undefined : merged
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

const maxOctets = 65536

function read(bytes: Uint8Array): Outline {
  return outlineOf(cutPackets(unwrapArmor(bytes)))
}

interface Component {
  readonly body: Uint8Array
  readonly signatures: readonly SignaturePacket[]
}

function write(copies: readonly [Outline, Outline]): Uint8Array {
  const { primary } = copies[0]
  const counts = (signature: SignaturePacket): boolean =>
    claimsIssuer(signature, primary) ||
    [types.keyRevocation, types.subkeyRevocation, types.certificationRevocation].includes(signature.type)
  const signed = (tag: number, components: readonly Component[]): Uint8Array[] =>
    distinct(components.map(({ body }) => body)).flatMap(body => [
      packet(tag, body),
      ...distinct(
        components
          .filter(component => Buffer.from(component.body).equals(body))
          .flatMap(({ signatures }) => signatures.filter(counts))
          .map(signature => signature.body),
      ).map(signature => packet(tags.signature, signature)),
    ])
  return Buffer.concat([
    ...signed(
      tags.publicKey,
      copies.map(({ signatures }) => ({ body: primary.body, signatures })),
    ),
    ...signed(
      tags.userId,
      copies.flatMap(({ userIds }) => userIds),
    ),
    ...signed(
      tags.publicSubkey,
      copies.flatMap(({ subkeys }) => subkeys.map(({ key, signatures }) => ({ body: key.body, signatures }))),
    ),
  ])
}

/** Without repetitions, in the order of their octets. */
function distinct(bodies: readonly Uint8Array[]): readonly Uint8Array[] {
  return bodies
    .toSorted((a, b) => Buffer.compare(a, b))
    .filter((body, i, sorted) => i === 0 || Buffer.compare(body, sorted[i - 1] ?? body) !== 0)
}

/** RFC 9580 section 4.2.1: the current form, lengths as short as they go. */
function packet(tag: number, body: Uint8Array): Uint8Array {
  const { length } = body
  const header =
    length < 192
      ? [length]
      : length < 8384
        ? [((length - 192) >> 8) + 192, (length - 192) & 0xff]
        : [255, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff]
  return Buffer.concat([Uint8Array.of(0xc0 | tag, ...header), body])
}
