import { multipartRefused } from './refused.ts'

/** The header fields of a part, by name in lower case; each value as it came, a character per byte. */
export type PartHeader = Readonly<Record<string, readonly string[] | undefined>>

/** What the header of a part says; undefined where it says nothing. UTF-8, not looked at yet. */
export interface PartNames {
  readonly name: 'message' | 'attachment'
  readonly filename: Uint8Array | undefined
  readonly contentType: Uint8Array | undefined
}

/** What splits the body leaves out, silently, what is beyond 80 kB. */
const maxHeader = 8192

/**
 * RFC 7578 section 4.2: `form-data`, a name, perhaps a filename. Quoted strings in which `\` escapes itself and the quote; no
 * `filename*`, which that section forbids.
 */
const disposition =
  /^form-data[ \t]*;[ \t]*name=(?:"(message|attachment)"|(message|attachment))(?:[ \t]*;[ \t]*filename=(?:"((?:[^"\\]|\\["\\])*)"|([\w.+-]+)))?[ \t]*$/i

/** Reads the header of one part. Throws `invalid_multipart`. */
export function readPartHeader(header: PartHeader, pointer: string): PartNames {
  const fields = Object.entries(header)
  const size = fields.reduce(
    (sum, [name, values = []]) => sum + (name.length + 4) * values.length + lengthOf(values),
    0,
  )
  if (size > maxHeader) throw multipartRefused('header_too_long', pointer)
  const [, quotedName, bareName, quoted, bare] =
    disposition.exec(single(header, 'content-disposition', pointer) ?? '') ?? []
  const name = (quotedName ?? bareName)?.toLowerCase()
  if (name !== 'message' && name !== 'attachment') throw multipartRefused('unknown_part', pointer)
  const encoding = single(header, 'content-transfer-encoding', pointer) ?? 'binary'
  // RFC 7578 section 4.7: nobody sends others, and we would take them for content.
  if (!/^(?:7bit|8bit|binary)$/i.test(encoding)) throw multipartRefused('transfer_encoding', pointer)
  const filename = quoted === undefined ? bare : unescape(quoted)
  return { name, filename: bytesOf(filename), contentType: bytesOf(single(header, 'content-type', pointer)) }
}

function single(header: PartHeader, name: string, pointer: string): string | undefined {
  const values = header[name] ?? []
  if (values.length > 1) throw multipartRefused('duplicate_header', pointer)
  return values[0]?.trim()
}

/** What browsers and `fetch` write for a quote and for line ends, so that they can stand in quotes (WHATWG, form-data). */
const written: Readonly<Record<string, string>> = { '%22': '"', '%0D': '\r', '%0A': '\n' }

function unescape(quoted: string): string {
  return quoted.replace(/\\(["\\])|%22|%0[DA]/gi, (found, plain: string | undefined) => {
    return plain ?? written[found.toUpperCase()] ?? found
  })
}

function bytesOf(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'latin1')
}

function lengthOf(values: readonly string[]): number {
  return values.reduce((sum, value) => sum + value.length, 0)
}
