import { generateKeyPairSync, generatePrimeSync } from 'node:crypto'
import type { CertificateReason } from '../../../src/sealer/host/index.ts'
import { alice, at, encryptionSubkey, identity, owner, primaryKey } from './certificates.ts'
import {
  concat,
  curve25519Body,
  ed25519Signer,
  fingerprintOf,
  forHash,
  keyBody,
  mpi,
  type Part,
  signature,
  subpacket,
  user,
  utf8,
} from './packets.ts'

/** A name, a file, and what else is wrong with it besides the reason that it stands under. */
export type Case = readonly [string, () => readonly Part[] | Uint8Array | string, also?: CertificateReason]

export const later = new Date('2026-02-01T00:00:00Z')
export const tomorrow = new Date(at.getTime() + 86_400_000)
export const stranger = ed25519Signer(new Date('2025-01-01T00:00:00Z'))
export const day = 86_400

export function subkeyRevocation(body: Uint8Array, by = owner): Part {
  return signature(by, owner.body, forHash(body), { type: 0x28, created: later })
}

export function userIdRevocation(hashed: readonly Uint8Array[] = []): Part {
  return signature(owner, owner.body, user(utf8(alice)), { type: 0x30, created: later, hashed })
}

export function spoiled(part: Part): Part {
  const body = part.body.slice()
  body[body.length - 1] = (body.at(-1) ?? 0) ^ 1
  return { ...part, body }
}

export function withSubkey(...parts: readonly Part[]): readonly Part[] {
  return [primaryKey(), ...identity(), ...parts]
}

export const unknownCriticalNotation = subpacket(
  20 | 0x80,
  concat(Uint8Array.of(0x80, 0, 0, 0, 0, 3, 0, 1), utf8('x@yz')),
)

/** A certificate with this primary key; what is signed in its name never gets looked at. */
export function ownedBy(body: Uint8Array): readonly Part[] {
  const keyId = new Uint8Array(Buffer.from(fingerprintOf(body).slice(-16), 'hex'))
  const by = { ...owner, body, keyId }
  return [primaryKey(by), ...identity(alice, {}, by), ...encryptionSubkey(curve25519Body(), {}, by)]
}

export function revokedSubkey(change: (part: Part) => Part): readonly Part[] {
  const body = curve25519Body()
  return withSubkey(...encryptionSubkey(body), change(subkeyRevocation(body)))
}

export function withSameSubkey(): Part[] {
  const subkey = encryptionSubkey()
  return [...subkey, ...subkey]
}

export function unknownHash(part: Part): Part {
  const body = part.body.slice()
  body[3] = 99
  return { ...part, body }
}

export function revoker(): Uint8Array {
  return subpacket(12, concat(Uint8Array.of(0x80, 22), Buffer.from(stranger.fingerprint, 'hex')))
}

export function offCurve(): Uint8Array {
  const { x = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  const point = concat(Uint8Array.of(4), Buffer.from(x, 'base64url'), new Uint8Array(32).fill(7))
  const material = concat(
    Uint8Array.of(8),
    Buffer.from('2a8648ce3d030107', 'hex'),
    mpi(point),
    Uint8Array.of(3, 1, 8, 7),
  )
  return keyBody(18, material)
}

export function square(): bigint {
  const root = generatePrimeSync(1536, { bigint: true })
  return root * root
}
