import {
  type Config,
  encryptSessionKey,
  generateSessionKey,
  SignaturePacket as LibrarySignature,
  PublicKeyPacket,
  PublicSubkeyPacket,
  readKey,
  UserIDPacket,
} from 'openpgp'
import type { CertificateReason } from '../../protocol.ts'
import { settings } from '../openpgp/settings.ts'
import type { KeyPacket } from './key-packet.ts'
import type { Outline } from './outline.ts'
import { isExactlyEncoded, type SignaturePacket } from './signature-packet.ts'

/** What a self-signature is made over, besides the primary key. */
export type Signed = { readonly userId: Uint8Array } | { readonly subkey: KeyPacket } | 'primary'

/** So that a weak signature is told from a forged one; the policy refuses both. */
const anyHash: Config = { ...settings, rejectHashAlgorithms: new Set() }

/**
 * Whether `signer` really made `signature` over exactly these octets, and the library knows everything critical in it.
 * The library hashes what it would write, not what it read; so whatever it would write differently is not verified, nor
 * is a signature whose numbers are written in another way than the one of the RFC, which it would read all the same. Neither the time nor the strength of the hash is judged.
 */
export async function isSignedBy(
  signer: KeyPacket,
  signature: SignaturePacket,
  over: Signed,
  primary: KeyPacket = signer,
): Promise<boolean> {
  try {
    const [by, key] = [await libraryKey(signer), await libraryKey(primary)]
    if (!isExactlyEncoded(signature)) return false
    const packet = new LibrarySignature()
    packet.read(signature.body)
    const data: { key: PublicKeyPacket; userID?: UserIDPacket; bind?: PublicSubkeyPacket } = { key }
    let faithful = sameOctets(key.write(), primary.body) && sameOctets(by.write(), signer.body)
    if (over !== 'primary' && 'userId' in over) {
      data.userID = new UserIDPacket()
      data.userID.read(over.userId)
      faithful &&= sameOctets(data.userID.write(), over.userId)
    } else if (over !== 'primary') {
      data.bind = new PublicSubkeyPacket()
      await data.bind.read(over.subkey.body)
      faithful &&= sameOctets(data.bind.write(), over.subkey.body)
    }
    if (!faithful || packet.signatureType === null) return false
    await packet.verify(by, packet.signatureType, data, signature.created, false, anyHash)
    return true
  } catch {
    return false
  }
}

async function libraryKey({ body }: KeyPacket): Promise<PublicKeyPacket> {
  const key = new PublicKeyPacket()
  await key.read(body)
  return key
}

export interface LibraryView {
  /** When the library takes the primary key to end. */
  readonly primaryEnds: Date | undefined
  /** Whether it would use SEIPD version 2 with a mode that we write. */
  readonly offersSeipdV2: boolean
}

/**
 * The whole certificate as the library reads it when a message is sealed: it must see the same keys, find the chosen
 * subkey good at `at`, and be able to encrypt a session key to it (a point off its curve shows only then). The reason
 * when it does not.
 */
export async function libraryView(
  binary: Uint8Array,
  outline: Outline,
  chosen: KeyPacket,
  at: Date,
): Promise<LibraryView | CertificateReason> {
  const key = await readKey({ binaryKey: binary, config: settings }).catch(() => undefined)
  if (
    key === undefined ||
    key.getFingerprint().toUpperCase() !== outline.primary.fingerprint ||
    key.subkeys.length !== outline.subkeys.length ||
    key.users.length !== outline.userIds.length + outline.userAttributes.length
  ) {
    return 'malformed_packets'
  }
  key.subkeys = key.subkeys.filter(subkey => subkey.getFingerprint().toUpperCase() === chosen.fingerprint)
  const usable = await key.getEncryptionKey(undefined, at, undefined, settings).catch(() => undefined)
  const ends = await key.getExpirationTime(undefined, settings).catch(() => null)
  if (ends instanceof Date && ends <= at) return 'primary_expired'
  if (usable?.getFingerprint().toUpperCase() !== chosen.fingerprint || ends === null) {
    return 'primary_signature_invalid'
  }
  try {
    const parameters = { encryptionKeys: key, date: at, config: settings }
    const { data, algorithm, aeadAlgorithm } = await generateSessionKey(parameters)
    await encryptSessionKey({ ...parameters, data, algorithm, format: 'binary' })
    return {
      primaryEnds: ends instanceof Date ? ends : undefined,
      offersSeipdV2: aeadAlgorithm === 'ocb' || aeadAlgorithm === 'gcm',
    }
  } catch {
    return 'key_material_invalid'
  }
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
