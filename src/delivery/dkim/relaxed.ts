import { createHash } from 'node:crypto'

/**
 * The canonicalisation `relaxed` of RFC 6376 section 3.4: blanks may be changed on the way, and nothing else. Texts are bytes
 * as Latin-1.
 */

/** A field as it is signed, without its line end; `field` may be folded. */
export function relaxedField(field: string): string {
  const colon = field.indexOf(':')
  const name = field
    .slice(0, colon)
    .replace(/[ \t]+$/, '')
    .toLowerCase()
  const value = field
    .slice(colon + 1)
    .replaceAll('\r\n', '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '')
  return `${name}:${value}`
}

export interface BodyHash {
  update(chunk: Buffer): void
  /** SHA-256 of the canonical body, base64. */
  digest(): string
}

/** The hash of a body that comes in pieces; its lines end with CRLF. Remembers a line at most. */
export function hashRelaxedBody(): BodyHash {
  const hash = createHash('sha256')
  let line = ''
  let isEmpty = true
  // Empty lines at the end do not count, so the line ends are held back until more comes.
  let ends = 0

  const add = (text: string): void => {
    let end = text.length
    while (text.endsWith('\r\n', end)) end -= 2
    if (end > 0) {
      hash.update('\r\n'.repeat(ends)).update(text.slice(0, end), 'latin1')
      isEmpty = false
      ends = 0
    }
    ends += (text.length - end) / 2
  }

  return {
    update(chunk) {
      const text = line + chunk.toString('latin1')
      const end = text.lastIndexOf('\r\n') + 2
      if (end < 2) {
        line = text
        return
      }
      line = text.slice(end)
      const lines = text.slice(0, end)
      add(/[ \t]/.test(lines) ? lines.replace(/[ \t]+/g, ' ').replaceAll(' \r\n', '\r\n') : lines)
    },
    digest() {
      add(line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
      if (!isEmpty) hash.update('\r\n')
      return hash.digest('base64')
    },
  }
}
