import { checksumLine, crc24 } from '../../kernel/index.ts'

const begin = '-----BEGIN PGP PUBLIC KEY BLOCK-----'
const end = '-----END PGP PUBLIC KEY BLOCK-----'

/**
 * The octets of a certificate that may be armoured (RFC 9580 section 6.2), to be judged and stored as they are; undefined when
 * the armour is not exactly one block of a public key. Nothing of the octets is interpreted here: a sandbox does that.
 */
export function binaryOf(file: Uint8Array): Uint8Array | undefined {
  // A packet starts with the high bit set; armour is ASCII.
  if (((file[0] ?? 0) & 0x80) !== 0) return file
  const lines = Buffer.from(file)
    .toString('latin1')
    .trim()
    .split(/\r?\n/)
    .map(line => line.trimEnd())
  const blank = lines.indexOf('')
  if (lines[0] !== begin || lines.at(-1) !== end || blank < 1) return undefined
  if (!lines.slice(1, blank).every(line => /^[A-Za-z][A-Za-z0-9-]*:/.test(line))) return undefined
  const body = lines.slice(blank + 1, -1)
  const checksum = body.at(-1)?.startsWith('=') === true ? body.pop() : undefined
  const text = body.join('')
  const content = Buffer.from(text, 'base64')
  // Node skips what is not base64; going back shows whether it did.
  if (content.length === 0 || content.toString('base64') !== text) return undefined
  return checksum === undefined || checksum === checksumLine(crc24(content)) ? content : undefined
}
