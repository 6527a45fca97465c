import { type Ciphertext, SealpostError } from '../../kernel/index.ts'
import type { Format, SealTarget } from '../protocol.ts'
import { type Packet, readPackets } from './packets.ts'

const pkesk = 1
const seipd = 18

/**
 * The outbound gate. Admits exactly one PKESK packet for the pinned subkey, then one SEIPD packet of the version that
 * `format` says, in exact framing, and nothing before, between or after; and only if the encrypted part does not look
 * like text. Throws `outbound_gate_refused` otherwise. It is the only source of `Ciphertext`, shares no code
 * with what encrypts, and never holds a key: it cannot say what is inside, only for whom it is closed.
 */
export function admitCiphertext(
  bytes: Uint8Array,
  target: Pick<SealTarget, 'encryptionSubkey' | 'format'>,
): Ciphertext {
  const [first, second] = readPackets(bytes, 2) ?? []
  if (first?.tag !== pkesk || second?.tag !== seipd) throw refused('framing')
  if (!isSessionKeyFor(first, target)) throw refused('session key')
  if (!isEncryptedData(second, target.format)) throw refused('encrypted data')
  return bytes as Ciphertext
}

function refused(detail: string): SealpostError {
  return new SealpostError('outbound_gate_refused', { detail })
}

/** RFC 9580 section 5.1: version 3 goes with SEIPDv1 and names a key id, version 6 with SEIPDv2 and a fingerprint. */
function isSessionKeyFor(
  packet: Packet,
  { encryptionSubkey, format }: { encryptionSubkey: string; format: Format },
) {
  const [body] = packet.pieces
  if (body === undefined || !/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(encryptionSubkey)) return false
  const fingerprint = Buffer.from(encryptionSubkey, 'hex')
  const v4 = fingerprint.length === 20
  const named =
    format === 'seipdv1'
      ? [3, ...(v4 ? fingerprint.subarray(12) : fingerprint.subarray(0, 8))]
      : [6, fingerprint.length + 1, v4 ? 4 : 6, ...fingerprint]
  return named.every((byte, i) => body[i] === byte) && isSessionKey(body.subarray(named.length))
}

/** Whether the algorithm's own fields fill the packet to its last byte: there is no room for anything else. */
function isSessionKey(body: Uint8Array): boolean {
  const fields = body.subarray(1)
  switch (body[0]) {
    case 1: // RSA: one number, not much shorter than the smallest modulus we accept (3072 bits)
      return mpiLength(fields) === fields.length && fields.length > 2 + 360
    case 18: {
      // ECDH: the ephemeral point, then the wrapped key with its length
      const point = mpiLength(fields)
      return point > 2 + 31 && isWrappedKey(fields.subarray(point))
    }
    case 25: // X25519
      return isWrappedKey(fields.subarray(32))
    case 26: // X448
      return isWrappedKey(fields.subarray(56))
    default:
      return false
  }
}

/** The length of a multiprecision integer with its header (RFC 9580 section 3.2), or -1. */
function mpiLength(fields: Uint8Array): number {
  const [high, low] = fields
  if (high === undefined || low === undefined) return -1
  return 2 + (((high << 8) + low + 7) >> 3)
}

function isWrappedKey(field: Uint8Array): boolean {
  return field.length >= 25 && field.length <= 64 && field[0] === field.length - 1
}

/** A signed MIME entity with its header fields is never smaller; an empty message is. */
const leastContent = 400

/** RFC 9580 sections 5.13.1 and 5.13.2. */
function isEncryptedData({ pieces }: Packet, format: Format): boolean {
  const [head] = pieces
  if (head === undefined) return false
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (format === 'seipdv1') return head[0] === 1 && size > 1 + leastContent && looksRandom(pieces)
  const [version, cipher = 0, aead = 0, chunkSize = 255] = head
  const known = version === 2 && cipher >= 7 && cipher <= 9 && (aead === 2 || aead === 3) && chunkSize <= 16
  return known && size > 4 + 32 + leastContent && looksRandom(pieces)
}

const windowSize = 512
const leastWindow = 256
const mostWindows = 2048

/**
 * A last guard against an encryptor that frames its input as if it were encrypted: bytes of text are below 128, of
 * ciphertext half of them. Fewer than a quarter in a window is 8 standard deviations off for 256 random
 * bytes and 11 for 512.
 */
function looksRandom(pieces: readonly Uint8Array[]): boolean {
  return pieces.every(piece => {
    const step = Math.max(windowSize, Math.floor(piece.length / mostWindows))
    for (let from = 0; piece.length - from >= leastWindow; from += step) {
      if (!isBalanced(piece.subarray(from, from + windowSize))) return false
    }
    return true
  })
}

function isBalanced(window: Uint8Array): boolean {
  let high = 0
  for (const byte of window) high += byte >> 7
  return high >= window.length / 4 && high <= (window.length * 3) / 4
}
