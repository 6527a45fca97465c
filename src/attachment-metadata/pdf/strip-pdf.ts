import { deflateSync } from 'node:zlib'
import { stripJpeg } from '../images/jpeg.ts'
import { PdfFile, type PdfObject } from './file.ts'
import { filtersOf, inflate, textOfKey } from './streams.ts'
import { NotUnderstood } from './walk.ts'
import { Writer } from './writer.ts'

/** What all deflated pictures together may unpack to. */
const unpacked = 256 * 1024 * 1024

export const isPdf = (bytes: Buffer): boolean => /^%PDF-\d\.\d/.test(bytes.toString('latin1', 0, 8))

/**
 * The PDF with the objects that its catalogue leads to, and no others: without its information dictionary, XMP, identifiers, earlier
 * versions of it, application data and page thumbnails; JPEGs in it without their metadata. Undefined: encrypted, signed, with
 * files in it, damaged, or not understood.
 */
export function stripPdf(bytes: Buffer): Buffer | undefined {
  try {
    const file = new PdfFile(bytes)
    const writer = new Writer(`%PDF-${bytes.toString('latin1', 5, 8)}\n%\xe2\xe3\xcf\xd3\n`)
    const budget = { left: unpacked }
    const seen = new Set([file.root])
    const waiting = [file.root]
    for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
      const object = file.object(number)
      if (object === undefined) {
        if (number === file.root) return undefined
        continue
      }
      for (const { to } of object.walked.references) {
        if (seen.has(to)) continue
        seen.add(to)
        waiting.push(to)
      }
      writeObject(writer, number, object, budget)
    }
    return writer.end(file.root)
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined
    throw error
  }
}

function writeObject(writer: Writer, number: number, object: PdfObject, budget: { left: number }): void {
  const { source, from, walked, content, generation } = object
  const stripped = content && stripContent(object, content, budget)
  const edits: (readonly [number, number, string])[] = walked.cuts.map(([start, end]) => [start, end, ''])
  if (stripped !== undefined && stripped !== content) {
    const length = walked.top.get('Length')
    if (length === undefined) throw new NotUnderstood()
    edits.push([...length, String(stripped.length)])
  }
  writer.begin(number, generation)
  let at = from
  for (const [start, end, text] of edits.toSorted((a, b) => a[0] - b[0])) {
    writer.push(source.subarray(at, start))
    if (text !== '') writer.push(text)
    at = end
  }
  writer.push(source.subarray(at, walked.end))
  if (stripped !== undefined) {
    writer.push('\nstream\n')
    writer.push(stripped)
    writer.push('\nendstream')
  }
  writer.push('\nendobj\n')
}

function stripContent({ source, walked }: PdfObject, content: Buffer, budget: { left: number }): Buffer {
  // XMP that something other than a key `Metadata` leads to, or a file within the file.
  if (/^\/(?:Metadata|EmbeddedFile)\b/.test(textOfKey(source, walked, 'Type'))) throw new NotUnderstood()
  const filters = filtersOf(source, walked)
  const last = filters.at(-1)
  if (last === 'JPXDecode' && (content.includes('xml ') || content.includes('uuid')))
    throw new NotUnderstood()
  if (last !== 'DCTDecode' && last !== 'DCT') return content
  const deflated = filters.length === 2 && filters[0] === 'FlateDecode'
  if (filters.length > 1 && (!deflated || textOfKey(source, walked, 'DecodeParms').includes('Predictor')))
    throw new NotUnderstood()
  const picture = deflated ? inflate(content, budget) : content
  const stripped = stripJpeg(picture)
  if (stripped === undefined) throw new NotUnderstood()
  if (stripped.equals(picture)) return content
  return deflated ? deflateSync(stripped) : stripped
}
