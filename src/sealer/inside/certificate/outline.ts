import type { CertificateReason } from '../../protocol.ts'
import { type KeyPacket, readKeyPacket } from './key-packet.ts'
import { type Packet, tags } from './packets.ts'
import { Refusal } from './refusal.ts'
import { claimsIssuer, readSignaturePacket, type SignaturePacket, types } from './signature-packet.ts'
import { readUserId } from './user-id.ts'

interface Signed {
  readonly signatures: SignaturePacket[]
}

export interface OutlinedUserId extends Signed {
  readonly body: Uint8Array
  /** Undefined when it is not plain, visible UTF-8. */
  readonly text: string | undefined
}

export interface OutlinedSubkey extends Signed {
  readonly key: KeyPacket
}

/** A certificate as its bytes say, before anything is verified (RFC 9580 section 10.1). */
export interface Outline {
  readonly primary: KeyPacket
  /** Directly after the primary key. */
  readonly signatures: SignaturePacket[]
  readonly userIds: OutlinedUserId[]
  readonly userAttributes: Signed[]
  readonly subkeys: OutlinedSubkey[]
}

/**
 * More is an attack on our time, or what export-minimal removes. The library verifies every self-signature, several
 * times; with Ed448, the slowest, one takes some 5 ms.
 */
const maxSignatures = 256
const maxSelfSignatures = 64
const maxComponents = 64

/**
 * Puts packets in their places. Throws the first reason for which the bytes are no version 4 certificate of one key
 * in the order of the RFC.
 */
export function outlineOf(packets: readonly Packet[]): Outline {
  refuseWrongPackets(packets)
  const [first, ...others] = packets
  if (first === undefined) throw new Refusal('not_a_certificate')
  const outline: Outline = {
    primary: readKeyPacket(first.body),
    signatures: [],
    userIds: [],
    userAttributes: [],
    subkeys: [],
  }
  let place: { readonly signed: Signed; readonly allowed: (type: number) => boolean } = {
    signed: outline,
    allowed: type => type === types.directKey || type === types.keyRevocation,
  }
  let selfSignatures = 0
  for (const { tag, body } of others) {
    if (tag === tags.signature) {
      const signature = readSignaturePacket(body)
      if (claimsIssuer(signature, outline.primary)) selfSignatures++
      if (!place.allowed(signature.type)) throw new Refusal(misplaced(signature.type))
      place.signed.signatures.push(signature)
    } else if (tag === tags.publicSubkey) {
      const signed = { key: readKeyPacket(body), signatures: [] }
      outline.subkeys.push(signed)
      place = { signed, allowed: type => type === types.subkeyBinding || type === types.subkeyRevocation }
    } else {
      if (outline.subkeys.length > 0) throw new Refusal('malformed_packets')
      const signed = { body, text: readUserId(body), signatures: [] }
      if (tag === tags.userId) outline.userIds.push(signed)
      else outline.userAttributes.push(signed)
      place = { signed, allowed: isUserIdSignature }
    }
  }
  if (selfSignatures > maxSelfSignatures) throw new Refusal('too_large')
  refuseTwoOfOneUserId(outline.userIds)
  refuseTwins([outline.primary, ...outline.subkeys.map(subkey => subkey.key)])
  return outline
}

function refuseWrongPackets(packets: readonly Packet[]): void {
  const present = packets.map(packet => packet.tag)
  if (present.lastIndexOf(tags.publicKey) > 0) throw new Refusal('several_certificates')
  const known: readonly number[] = [
    tags.publicKey,
    tags.signature,
    tags.userId,
    tags.publicSubkey,
    tags.userAttribute,
  ]
  if (present.some(tag => !known.includes(tag))) throw new Refusal('unknown_packets')
  const signatures = present.filter(tag => tag === tags.signature).length
  if (signatures > maxSignatures || present.length - signatures > maxComponents)
    throw new Refusal('too_large')
}

function isUserIdSignature(type: number): boolean {
  return (
    (type >= types.firstCertification && type <= types.lastCertification) ||
    type === types.certificationRevocation
  )
}

/** A revocation in the wrong place still says that somebody revoked something. */
function misplaced(type: number): CertificateReason {
  if (type === types.keyRevocation) return 'primary_revoked'
  if (type === types.subkeyRevocation) return 'subkey_revoked'
  return 'malformed_packets'
}

/** The same user ID twice could carry its revocation on one copy only. */
function refuseTwoOfOneUserId(userIds: readonly OutlinedUserId[]): void {
  const distinct = new Set(userIds.map(({ body }) => Buffer.from(body).toString('hex')))
  if (distinct.size !== userIds.length) throw new Refusal('malformed_packets')
}

/** Two keys of one 64-bit id cannot be told apart by a version 3 PKESK, nor by the library. */
function refuseTwins(keys: readonly KeyPacket[]): void {
  if (new Set(keys.map(key => key.keyId)).size !== keys.length) throw new Refusal('malformed_packets')
}
