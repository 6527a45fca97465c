import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { TlogError } from '../error.ts'

/**
 * What a key's signatures mean. `note`: Ed25519 over the text (C2SP signed-note, type 0x01). `cosignature`: Ed25519 over a time and a
 * checkpoint, by who saw that the log only grew (C2SP tlog-cosignature, type 0x04).
 */
export type SignatureKind = 'note' | 'cosignature'

const types = { note: 1, cosignature: 4 } as const satisfies Record<SignatureKind, number>

/** A public key with its name, as one who checks signatures must know it beforehand. */
export interface NoteVerifier {
  readonly name: string
  readonly kind: SignatureKind
  /** Tells keys of one name apart; it authenticates nothing. */
  readonly id: number
  readonly key: KeyObject
}

/** A key that signs, and how it is known. */
export interface NoteSigner {
  readonly verifier: NoteVerifier
  readonly key: KeyObject
}

/** @param key private, Ed25519. Throws `key_malformed` for another, or a name that no key may have. */
export function noteSigner(name: string, key: KeyObject, kind: SignatureKind = 'note'): NoteSigner {
  return { verifier: noteVerifier(name, createPublicKey(key), kind), key }
}

/** @param key public, Ed25519. Throws `key_malformed` for another, or a name that no key may have. */
function noteVerifier(name: string, key: KeyObject, kind: SignatureKind = 'note'): NoteVerifier {
  if (key.asymmetricKeyType !== 'ed25519') throw new TlogError('key_malformed', 'not Ed25519')
  if (!isKeyName(name)) throw new TlogError('key_malformed', 'its name')
  return { name, kind, id: idOf(name, encode(kind, key)), key }
}

/** The line `<name>+<id, 8 hexadecimal digits>+<base64 of type and key>`: C2SP signed-note, "Verifier keys". */
export function formatVerifier({ name, kind, id, key }: NoteVerifier): string {
  return `${name}+${id.toString(16).padStart(8, '0')}+${encode(kind, key).toString('base64')}`
}

/** The key of such a line. Throws `key_malformed`, also when the id is not the one that belongs to name and key. */
export function parseVerifier(line: string): NoteVerifier {
  const [, name, base64] = /^([^+]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/=]+)$/.exec(line) ?? []
  const encoded = decodeBase64(base64 ?? '')
  const kind = (Object.keys(types) as SignatureKind[]).find(known => types[known] === encoded?.[0])
  if (name === undefined || encoded?.length !== 33 || kind === undefined)
    throw new TlogError('key_malformed', 'the line')
  const x = encoded.subarray(1).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const verifier = noteVerifier(name, key, kind)
  if (formatVerifier(verifier) !== line) throw new TlogError('key_malformed', 'its id')
  return verifier
}

/** Not empty, no space of Unicode, no plus: C2SP signed-note, "Format". */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && /^[^\p{White_Space}\p{Cc}+]+$/u.test(name)
}

/** What it encodes, if it is the one base64 of RFC 4648 section 4 of that. */
export function decodeBase64(text: string): Buffer | undefined {
  const decoded = Buffer.from(text, 'base64')
  return decoded.toString('base64') === text ? decoded : undefined
}

/** SHA-256(name || 0x0A || type || key)[:4], C2SP signed-note, "Signatures". */
function idOf(name: string, encoded: Uint8Array): number {
  return createHash('sha256').update(`${name}\n`).update(encoded).digest().readUInt32BE(0)
}

function encode(kind: SignatureKind, key: KeyObject): Buffer {
  return Buffer.concat([
    Uint8Array.of(types[kind]),
    Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'),
  ])
}
