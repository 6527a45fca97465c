import { createHash } from 'node:crypto'

/**
 * The SHA-256, in hex, of what a file may be: the bytes themselves, and of each armour in it (RFC 9580 section 6.2), as in a
 * mail or `encrypted.asc`, what it encodes.
 */
export function digestsOf(file: Uint8Array): ReadonlySet<string> {
  const text = Buffer.from(file.buffer, file.byteOffset, file.length).toString('latin1')
  const armours = [...text.matchAll(/-----BEGIN PGP MESSAGE-----\r?\n([^]*?)-----END PGP MESSAGE-----/g)]
  return new Set([file, ...armours.map(([, armour = '']) => decode(armour))].map(sha256))
}

/** Headers end at an empty line; a line that begins with `=` is the checksum. */
function decode(armour: string): Buffer {
  const [, data = ''] = /^(?:[^\n]*: [^\n]*\n)*\r?\n([^]*)$/.exec(armour) ?? []
  return Buffer.from(data.replace(/\n=[A-Za-z0-9+/]{4}\r?\n$/, '\n'), 'base64')
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
