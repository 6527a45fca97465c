import { createHash } from 'node:crypto'
import { type Address, type Ciphertext, checksumLine, crc24 } from '../kernel/index.ts'

/** The fields outside the encryption, as they were mirrored inside it (RFC 9788), so never changed since. */
export interface OuterHeaders {
  readonly from: Address
  readonly to: Address
  readonly date: string
  readonly messageId: string
}

/** A mail ready for the wire: 7-bit, CRLF only, before dot-stuffing. */
export interface WireMessage {
  /** Bytes, for SIZE (RFC 1870). */
  readonly size: number
  /** The same bytes each time, in pieces of at most 64 KiB. */
  chunks(): Iterable<Buffer>
}

const column = 64
// Whole lines of base64: 48 bytes each.
const piece = 48 * 640

/**
 * The one form of mail that leaves this house: RFC 3156 section 4 around one ciphertext in armour. A pure function: a
 * retry sends the same bytes. The boundary comes of the ciphertext's digest, so that it tells nothing and cannot be
 * chosen.
 *
 * The armour has its checksum for SEIPDv1, as readers of it may need: where the base64 needs no padding, GnuPG 2.2
 * runs over the end without one and calls the message manipulated. For SEIPDv2, RFC 9580 section 6.1 forbids it.
 */
export function wireMessage(
  outer: OuterHeaders,
  ciphertext: Ciphertext,
  format: 'seipdv1' | 'seipdv2',
): WireMessage {
  const boundary = `sealpost-${createHash('sha256').update(ciphertext).digest('hex').slice(0, 40)}`
  const head = Buffer.from(lines(...headers(outer, boundary), '', ...opening(boundary)), 'latin1')
  const end = lines('-----END PGP MESSAGE-----', `--${boundary}--`)
  const checksumSize = format === 'seipdv1' ? '=abcd\r\n'.length : 0
  return {
    size: head.length + armouredSize(ciphertext.length) + checksumSize + end.length,
    *chunks() {
      yield head
      let crc: number | undefined
      for (let start = 0; start < ciphertext.length; start += piece) {
        const bytes = ciphertext.subarray(start, start + piece)
        if (format === 'seipdv1') crc = crc24(bytes, crc)
        yield armour(bytes)
      }
      yield Buffer.from(crc === undefined ? end : lines(checksumLine(crc)) + end, 'latin1')
    },
  }
}

function headers({ from, to, date, messageId }: OuterHeaders, boundary: string): string[] {
  return [
    `From: ${from}`,
    `To: ${to}`,
    `Date: ${date}`,
    `Message-ID: ${messageId}`,
    'Subject: [...]',
    'MIME-Version: 1.0',
    'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";',
    ` boundary="${boundary}"`,
  ]
}

function opening(boundary: string): string[] {
  return [
    `--${boundary}`,
    'Content-Type: application/pgp-encrypted',
    'Content-Transfer-Encoding: 7bit',
    '',
    'Version: 1',
    '',
    `--${boundary}`,
    'Content-Type: application/octet-stream; name="encrypted.asc"',
    'Content-Disposition: inline; filename="encrypted.asc"',
    'Content-Transfer-Encoding: 7bit',
    '',
    '-----BEGIN PGP MESSAGE-----',
    '',
  ]
}

function armour(bytes: Uint8Array): Buffer {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
  return Buffer.from(base64.replace(/.{1,64}/g, '$&\r\n'), 'latin1')
}

function armouredSize(bytes: number): number {
  const base64 = Math.ceil(bytes / 3) * 4
  return base64 + 2 * Math.ceil(base64 / column)
}

function lines(...text: readonly string[]): string {
  return text.map(line => `${line}\r\n`).join('')
}
