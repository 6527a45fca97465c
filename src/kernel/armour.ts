import { checksumLine, crc24 } from './crc24.ts'

/**
 * ASCII armour (RFC 9580 section 6.2) with CRLF line ends, 64 characters a line and the checksum: GnuPG 2.2 does not
 * find the end without it when the base64 needs no padding (`test/interop`). Not for SEIPDv2 or version 6
 * keys, for which section 6.1 forbids it.
 */
export function armour(kind: 'MESSAGE' | 'PUBLIC KEY BLOCK', bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  const lines = [...(base64.match(/.{1,64}/g) ?? []), checksumLine(crc24(bytes))].join('\r\n')
  return `-----BEGIN PGP ${kind}-----\r\n\r\n${lines}\r\n-----END PGP ${kind}-----\r\n`
}
