import { outlineOf } from './outline.ts'
import { cutPackets, tags } from './packets.ts'
import { Refusal } from './refusal.ts'
import { readSignaturePacket, type SignaturePacket, types } from './signature-packet.ts'
import { isMadeBy } from './verify.ts'

/** More is an attack on our time. */
const maxSignatures = 256

const block =
  /-----BEGIN PGP (?:PUBLIC KEY BLOCK|SIGNATURE)-----[ \t]*\n(?:[^\n]*:[^\n]*\n)*[ \t]*\n([A-Za-z0-9+/=\s]+?)-----END PGP /

/**
 * Whether `upload` holds a revocation that the owner of `certificate` made: of the primary key or, when it is named, of
 * the subkey. Alone (what `gpg --gen-revoke` writes, its explanations and the colon of its safe-keeping form around it
 * included) or within a copy. Reads leniently, since only a signature that verifies counts, and since whoever revokes
 * must not fail on form: what else the revocation says of its time, end, reason, notations or hash (SHA-1 at least)
 * does not matter. Never throws because of what is in `upload`.
 */
export function revokes(upload: Uint8Array, certificate: Uint8Array, encryptionSubkey?: string): boolean {
  const outline = outlineOf(cutPackets(certificate))
  const subkey = outline.subkeys.find(({ key }) => key.fingerprint === encryptionSubkey)?.key
  return signaturesIn(upload).some(signature => {
    if (signature.type === types.keyRevocation) return isMadeBy(outline.primary, signature, [outline.primary])
    if (signature.type !== types.subkeyRevocation || subkey === undefined) return false
    return isMadeBy(outline.primary, signature, [outline.primary, subkey])
  })
}

function signaturesIn(upload: Uint8Array): readonly SignaturePacket[] {
  const packets = tolerant(() => cutPackets(unwrap(upload), [tags.publicKey, tags.signature])) ?? []
  return packets
    .filter(({ tag }) => tag === tags.signature)
    .slice(0, maxSignatures)
    .flatMap(({ body }) => tolerant(() => readSignaturePacket(body)) ?? [])
}

function unwrap(upload: Uint8Array): Uint8Array {
  if (((upload[0] ?? 0) & 0x80) !== 0) return upload
  const text = Buffer.from(upload).toString('latin1').replaceAll('\r\n', '\n')
  const lines = (block.exec(text)?.[1] ?? '').split('\n').map(line => line.trim())
  // The checksum line starts with `=`.
  return Buffer.from(lines.filter(line => !line.startsWith('=')).join(''), 'base64')
}

function tolerant<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}
