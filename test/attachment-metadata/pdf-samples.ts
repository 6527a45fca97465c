import { deflateSync } from 'node:zlib'
import { latin } from './samples.ts'

/** The body of an object, or a dictionary's entries and the content of its stream. */
export type Body = string | { readonly entries: string; readonly content: Buffer }

const object = (number: number, body: Body): Buffer =>
  typeof body === 'string'
    ? latin(`${number} 0 obj\n${body}\nendobj\n`)
    : Buffer.concat([
        latin(`${number} 0 obj\n<<${body.entries}/Length ${body.content.length}>>\nstream\n`),
        body.content,
        latin('\nendstream\nendobj\n'),
      ])

/** A PDF with a table of cross-references, or what is appended to `before` to change it. */
export function pdf(objects: Readonly<Record<number, Body>>, trailer: string, before?: Buffer): Buffer {
  const parts = [before ?? latin('%PDF-1.4\n')]
  let at = parts[0]?.length ?? 0
  let table = ''
  for (const [number, body] of Object.entries(objects)) {
    const part = object(Number(number), body)
    table += `${number} 1\n${String(at).padStart(10, '0')} 00000 n \n`
    parts.push(part)
    at += part.length
  }
  const prev = before === undefined ? '' : `/Prev ${startOf(before)}`
  return Buffer.concat([
    ...parts,
    latin(
      `xref\n0 1\n0000000000 65535 f \n${table}trailer\n<</Size 99${prev}${trailer}>>\nstartxref\n${at}\n%%EOF\n`,
    ),
  ])
}

/** A PDF of version 1.5: these objects packed into one, cross-references in a stream, with a predictor. */
export function packedPdf(
  objects: Readonly<Record<number, string>>,
  streams: Readonly<Record<number, Body>>,
  trailer: string,
): Buffer {
  const bodies = Object.entries(objects)
  let heads = ''
  let all = ''
  for (const [number, body] of bodies) {
    heads += `${number} ${all.length} `
    all += `${body} `
  }
  const packed = {
    entries: `/Type/ObjStm/N ${bodies.length}/First ${heads.length}/Filter/FlateDecode`,
    content: deflateSync(latin(heads + all)),
  }
  const plain: Record<number, Body> = { ...streams, 90: packed }
  const parts = [latin('%PDF-1.5\n')]
  const rows: number[][] = Array.from({ length: 92 }, () => [0, 0, 0, 0])
  bodies.forEach(([number], i) => (rows[Number(number)] = [2, 0, 90, i]))
  let at = parts[0]?.length ?? 0
  for (const [number, body] of Object.entries(plain)) {
    const part = object(Number(number), body)
    rows[Number(number)] = [1, at >> 8, at & 255, 0]
    parts.push(part)
    at += part.length
  }
  // PNG's filter "up" (section 9.2).
  const predicted = rows.flatMap((row, i) => [
    2,
    ...row.map((byte, k) => (byte - (rows[i - 1]?.[k] ?? 0)) & 255),
  ])
  const content = deflateSync(Buffer.from(predicted))
  const entries = `/Type/XRef/W[1 2 1]/Size 92/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4>>${trailer}`
  return Buffer.concat([...parts, object(91, { entries, content }), latin(`startxref\n${at}\n%%EOF\n`)])
}

const startOf = (bytes: Buffer): string =>
  /startxref\s+(\d+)\s+%%EOF\s*$/.exec(bytes.toString('latin1'))?.[1] ?? ''
