/** Types and endings that name data: what stands in them is all there is. */
const dataTypes =
  /^(?:text\/(?:plain|csv|tab-separated-values|xml|markdown)|application\/(?:(?:[\w.-]+\+)?(?:json|xml)|x-ndjson|ndjson|jsonl|yaml|csv|edifact|edi-x12|sql))$/i
const dataNames = /\.(?:txt|text|log|csv|tsv|tab|json|jsonl|ndjson|xml|xsd|md|yaml|yml|ini|sql|edi)$/i

/** XML that is a document with properties of its own: flat office documents, drawings, pages, XMP. */
const documents = [
  'urn:schemas-microsoft-com:office',
  'http://schemas.microsoft.com/office/',
  'http://schemas.openxmlformats.org/package',
  'urn:oasis:names:tc:opendocument:xmlns:office',
  'http://www.w3.org/2000/svg',
  'http://www.w3.org/1999/xhtml',
  'adobe:ns:meta',
  '<svg',
  '<html',
  '<!doctype html',
]

/** Texts of other kinds that are: RTF, PostScript, PDF. */
const heads = /^(?:\{\\rtf|%!|%pdf-)/i

/** C0 controls but TAB, LF, FF and CR: no text has them. */
const control = /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/

/**
 * Whether these bytes are a text that is nothing but data, and is said to be one. Its encoding may be UTF-8, UTF-16 with a byte
 * order mark, or one of eight bits.
 */
export function isPlainText(bytes: Buffer, filename: string, contentType: string): boolean {
  if (!dataTypes.test(contentType) && !dataNames.test(filename)) return false
  const text = textIn(bytes)
  if (control.test(text)) return false
  // The byte order mark of UTF-8, as bytes.
  const start = /^(?:\u00ef\u00bb\u00bf)?\s*/.exec(text)?.[0].length ?? 0
  if (text[start] !== '<') return !heads.test(text.slice(start, start + 5))
  const lower = text.toLowerCase()
  return !documents.some(mark => lower.includes(mark))
}

function textIn(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le', 2)
  if (bytes[0] === 0xfe && bytes[1] === 0xff && bytes.length % 2 === 0)
    return Buffer.from(bytes.subarray(2)).swap16().toString('utf16le')
  return bytes.toString('latin1')
}
