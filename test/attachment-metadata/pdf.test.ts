import { deflateSync, inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { stripMetadata } from '../../src/attachment-metadata/index.ts'
import { type Body, packedPdf, pdf } from './pdf-samples.ts'
import { exif, insert, jpeg, latin, secret, segment } from './samples.ts'

const strip = (bytes: Buffer): string | undefined => {
  const stripped = stripMetadata(bytes, 'a.pdf', 'application/pdf')
  return stripped === undefined ? undefined : Buffer.from(stripped).toString('latin1')
}

const xmp: Body = {
  entries: '/Type/Metadata/Subtype/XML',
  content: latin(`<x:xmpmeta>${secret}</x:xmpmeta>`),
}
const page: Record<number, Body> = {
  1: '<</Type/Catalog/Pages 2 0 R/Metadata 8 0 R>>',
  2: '<</Type/Pages/Kids[3 0 R]/Count 1>>',
  3: `<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 9 9]/Thumb 7 0 R/LastModified(D:2026)/PieceInfo<</A<</Private(${secret})>>>>>>`,
  4: { entries: '', content: latin('BT (4111 1111 1111 1111) Tj ET') },
  7: { entries: '/Width 1', content: latin(secret) },
  8: xmp,
  9: `<</Author(${secret})/CreationDate(D:20260101)>>`,
}
const trailer = '/Root 1 0 R/Info 9 0 R/ID[<4a><4b>]'
const one = pdf(page, trailer)

test('information, XMP, identifiers, thumbnails and application data go; what is shown stays', () => {
  const stripped = strip(one) ?? ''
  for (const gone of [
    secret,
    'xmpmeta',
    'D:2026',
    '/ID',
    '/Info',
    'Thumb',
    'PieceInfo',
    'LastModified',
    '/Metadata',
  ])
    expect(stripped, gone).not.toContain(gone)
  expect(stripped).toContain('<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 9 9]>>')
  expect(stripped).toContain('stream\nBT (4111 1111 1111 1111) Tj ET\nendstream')
})

test('every object stands where the cross-references say', () => {
  const stripped = strip(one) ?? ''
  const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(stripped)?.[1])
  const table = stripped.slice(start)
  expect(table.startsWith('xref\n0 1\n0000000000 65535 f \n1 4\n')).toBe(true)
  const entries = [...table.matchAll(/^(\d{10}) 00000 n $/gm)].map(([, at]) =>
    stripped.slice(Number(at)).slice(0, 8),
  )
  expect(entries).toEqual(['1 0 obj\n', '2 0 obj\n', '3 0 obj\n', '4 0 obj\n'])
})

test('what was stripped is not changed by stripping it again', () => {
  const stripped = strip(one) ?? ''
  expect(strip(latin(stripped))).toBe(stripped)
})

test('earlier versions of the file go', () => {
  const old = pdf({ ...page, 4: { entries: '', content: latin(`BT (${secret}) Tj ET`) } }, trailer)
  const now = pdf({ 4: { entries: '', content: latin('BT (new) Tj ET') } }, trailer, old)
  const stripped = strip(now) ?? ''
  expect(stripped).toContain('BT (new) Tj ET')
  expect(stripped).not.toContain(secret)
})

test('comments go', () => {
  const noted = pdf(
    { ...page, 2: `<</Type/Pages%${secret}\n/Kids[3 0 R%${secret}\r]/Count 1>>` },
    `${trailer}%${secret}\n`,
  )
  const stripped = strip(noted) ?? ''
  expect(stripped).toContain('<</Type/Pages\n/Kids[3 0 R\r]/Count 1>>')
  expect(stripped).not.toContain(secret)
})

test('objects packed into streams are found, and their metadata goes', () => {
  const { 4: content, 7: thumbnail, 8: metadata, ...packed } = page as Record<number, string>
  const streams = { 4: content, 7: thumbnail, 8: metadata } as Record<number, Body>
  const stripped = strip(packedPdf(packed, streams, trailer)) ?? ''
  expect(stripped).toContain('<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 9 9]>>')
  expect(stripped).toContain('BT (4111 1111 1111 1111) Tj ET')
  expect(stripped).not.toContain(secret)
  expect(stripped).not.toContain('ObjStm')
})

test('pictures lose theirs', () => {
  const photograph = insert(jpeg, 20, segment(0xe1, Buffer.concat([latin('Exif\0\0'), exif(1)])))
  const shown = (content: Buffer): Buffer =>
    pdf(
      { ...page, 5: { entries: '/Subtype/Image/Filter/DCTDecode', content }, 3: '<</Type/Page/X 5 0 R>>' },
      trailer,
    )
  const stripped = strip(shown(photograph)) ?? ''
  expect(stripped).not.toContain(secret)
  expect(stripped).toContain(`/Length ${jpeg.length}>>\nstream\n${jpeg.toString('latin1')}\nendstream`)
  expect(strip(shown(photograph.subarray(0, -2)))).toBeUndefined()
  const packed = { entries: '/Filter[/FlateDecode/DCTDecode]', content: deflateSync(photograph) }
  const unpacked = strip(pdf({ ...page, 3: '<</Type/Page/X 5 0 R>>', 5: packed }, trailer)) ?? ''
  const [, length = '', from = ''] =
    /\/Length (\d+)>>\nstream\n([^]*)/.exec(unpacked.slice(unpacked.indexOf('5 0 obj'))) ?? []
  expect(inflateSync(latin(from.slice(0, Number(length))))).toEqual(jpeg)
})

test('a key that is called like metadata and leads to something else stays', () => {
  const named = pdf(
    { ...page, 1: '<</Type/Catalog/Pages 2 0 R/XObject<</Metadata 4 0 R/Thumb 4 0 R>>>>' },
    trailer,
  )
  expect(strip(named)).toContain('/XObject<</Metadata 4 0 R/Thumb 4 0 R>>')
})

test('a length in another object counts', () => {
  const bytes = latin(one.toString('latin1').replace('/Length 30>>', '/Length 6 0 R>>'))
  expect(strip(bytes)).toBeUndefined()
  const whole = pdf(
    { ...page, 6: '30', 4: '<</Length 6 0 R>>\nstream\nBT (4111 1111 1111 1111) Tj ET\nendstream' },
    trailer,
  )
  expect(strip(whole)).toContain('<</Length 6 0 R>>\nstream\nBT (4111')
})

describe('is not understood', () => {
  const changed = (from: string, to: string): Buffer => latin(one.toString('latin1').replace(from, to))
  test.each<[string, Buffer]>([
    ['encrypted', pdf(page, `${trailer}/Encrypt 6 0 R`)],
    ['signed', pdf({ ...page, 2: '<</Type/Pages/V<</Type/Sig/ByteRange[0 1 2 3]>>>>' }, trailer)],
    ['with a file in it', pdf({ ...page, 2: '<</Type/Pages/X<</Type/Filespec/EF<</F 4 0 R>>>>>>' }, trailer)],
    ['with XMP by another way', pdf({ ...page, 2: '<</Type/Pages/Kids[3 0 R]/X[8 0 R]>>' }, trailer)],
    ['without a catalogue', pdf(page, '/Info 9 0 R')],
    ['whose catalogue is missing', pdf(page, '/Root 77 0 R')],
    ['cut off', one.subarray(0, -60)],
    ['moved', latin(`%PDF-1.4\n%%%%\n${one.toString('latin1', 9)}`)],
    ['a stream of a wrong length', changed('/Length 30', '/Length 29')],
    ['an open string', changed('(D:2026)', '(D:2026\\)')],
    ['an open dictionary', changed('/Count 1>>', '/Count 1  ')],
    [
      'a picture of several filters',
      pdf(
        {
          ...page,
          2: '<</Type/Pages/X 5 0 R>>',
          5: { entries: '/Filter[/LZWDecode/DCTDecode]', content: jpeg },
        },
        trailer,
      ),
    ],
    ['deeply nested', pdf({ ...page, 2: `${'['.repeat(50_000)}${']'.repeat(50_000)}` }, trailer)],
  ])('%s', (_, bytes) => {
    expect(strip(bytes)).toBeUndefined()
  })

  test('cross-references in a circle', () => {
    const start = one.lastIndexOf('xref\n0 1')
    const circle = one.toString('latin1').replace('/Size 99', `/Prev ${start}`)
    expect(strip(latin(circle))).toBeUndefined()
  })

  test('metadata of metadata of metadata, and lengths of lengths', () => {
    const chain: Record<number, Body> = { 1: '<</Type/Catalog/Metadata 2 0 R>>' }
    for (let i = 2; i < 30_000; i++) chain[i] = `<</Metadata ${i + 1} 0 R>>`
    expect(strip(pdf(chain, '/Root 1 0 R'))).toBeUndefined()
    const lengths: Record<number, Body> = { 1: '<</Type/Catalog/A 2 0 R>>' }
    for (let i = 2; i < 30_000; i++) lengths[i] = `<</Length ${i + 1} 0 R>>\nstream\n\nendstream`
    expect(strip(pdf(lengths, '/Root 1 0 R'))).toBeUndefined()
  })

  test('objects within each other', () => {
    // Each is a string that holds all that come after it: as many bytes as the square of their number.
    const count = 4_000
    let body = ''
    const at: number[] = []
    for (let i = 0; i < count; i++) {
      at.push(9 + body.length)
      body += `${i + 2} 0 obj (`
    }
    body += ') endobj '.repeat(count)
    const catalogue = 9 + body.length
    body += `1 0 obj [${at.map((_, i) => `${i + 2} 0 R`).join(' ')}] endobj\n`
    const table = [catalogue, ...at].map(each => `${String(each).padStart(10, '0')} 00000 n \n`).join('')
    const bytes = `%PDF-1.4\n${body}xref\n1 ${count + 1}\n${table}trailer\n<</Root 1 0 R>>\nstartxref\n${9 + body.length}\n%%EOF`
    expect(strip(latin(bytes))).toBeUndefined()
  })
})
