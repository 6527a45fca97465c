import { checksumLine, crc24 } from '../../../kernel/index.ts'
import { Refusal } from './refusal.ts'

const block =
  /^\s*-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\n((?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n)*)[ \t]*\n((?:[A-Za-z0-9+/]+={0,2}[ \t]*\n)+)(?:(=[A-Za-z0-9+/]{4})[ \t]*\n)?-----END PGP PUBLIC KEY BLOCK-----\s*$/

/**
 * The binary certificate in `bytes`, which may be armoured (RFC 9580 section 6.2). Strict: one block, nothing before
 * or after it, exact base64, and a checksum that is right if there is one.
 */
export function unwrapArmor(bytes: Uint8Array): Uint8Array {
  if (isBinary(bytes)) return bytes
  const text = Buffer.from(bytes).toString('latin1').replaceAll('\r\n', '\n')
  if (text.includes('-----BEGIN PGP PRIVATE KEY BLOCK-----')) throw new Refusal('private_key')
  if (text.split('-----BEGIN PGP PUBLIC KEY BLOCK-----').length > 2) throw new Refusal('several_certificates')
  const parts = block.exec(text.endsWith('\n') ? text : `${text}\n`)
  if (parts === null) {
    throw new Refusal(
      text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----') ? 'malformed_packets' : 'not_a_certificate',
    )
  }
  const [, , body = '', checksum] = parts
  const content = decodeBase64(body.replace(/\s/g, ''))
  if (checksum !== undefined && checksum !== checksumLine(crc24(content))) {
    throw new Refusal('malformed_packets')
  }
  return content
}

/** A packet starts with the high bit set (RFC 9580 section 4.2); armour is ASCII. */
function isBinary(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0x80) !== 0
}

function decodeBase64(text: string): Buffer {
  const content = Buffer.from(text, 'base64')
  // Node skips what it does not understand; going back shows whether it did.
  if (content.length === 0 || content.toString('base64') !== text) throw new Refusal('malformed_packets')
  return content
}
