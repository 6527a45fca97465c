import { type Address, isAddress } from '../../../src/kernel/index.ts'
import { certificatePolicy, loadPolicy } from '../../../src/policy/index.ts'
import { inspectCertificate } from '../../../src/sealer/inside/certificate/index.ts'
import {
  curve25519Body,
  ed25519Signer,
  fingerprintOf,
  forHash,
  octets,
  type Part,
  type SignatureOptions,
  type Signer,
  signature,
  subpacket,
  user,
  utf8,
} from './packets.ts'

export const alice = address('alice@bank.test')
export const at = new Date('2026-06-01T00:00:00Z')
export const standard = certificatePolicy(loadPolicy('standard'))
export const owner = ed25519Signer()

const certifyFlags = subpacket(27, Uint8Array.of(0x03))
const encryptFlags = subpacket(27, Uint8Array.of(0x0c))

function address(text: string): Address {
  if (!isAddress(text)) throw new Error('not an address')
  return text
}

export function inspect(file: Uint8Array | string, policy = standard, when = at) {
  const bytes = typeof file === 'string' ? utf8(file) : file
  return inspectCertificate(bytes, alice, when, policy)
}

/** A life in whole seconds from the making of the key. */
export function keyLives(seconds: number): Uint8Array {
  return subpacket(9, octets(seconds, 4))
}

export function primaryKey(by: Signer = owner): Part {
  return { tag: 6, body: by.body }
}

/** A user ID with its self-signature. */
export function identity(
  text: string | Uint8Array = alice,
  options: SignatureOptions = {},
  by: Signer = owner,
  certifier: Signer = by,
): [Part, Part] {
  const body = typeof text === 'string' ? utf8(text) : text
  const hashed = [certifyFlags, ...(options.hashed ?? [])]
  return [{ tag: 13, body }, signature(certifier, by.body, user(body), { ...options, hashed })]
}

/** An encryption subkey with its binding; `hashed` of the options comes in place of the flags. */
export function encryptionSubkey(
  body: Uint8Array = curve25519Body(),
  options: SignatureOptions = {},
  by: Signer = owner,
  binder: Signer = by,
): [Part, Part] {
  const hashed = options.hashed ?? [encryptFlags]
  return [{ tag: 14, body }, signature(binder, by.body, forHash(body), { type: 0x18, ...options, hashed })]
}

export function onPrimary(options: SignatureOptions, by: Signer = owner): Part {
  return signature(by, owner.body, new Uint8Array(), { type: 0x1f, ...options })
}

export function withFlags(...others: readonly Uint8Array[]): readonly Uint8Array[] {
  return [encryptFlags, ...others]
}

export function good(): Part[] {
  return [primaryKey(), ...identity(), ...encryptionSubkey()]
}

export function fingerprint(part: Part): string {
  return fingerprintOf(part.body)
}
