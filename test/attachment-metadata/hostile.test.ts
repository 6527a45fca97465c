import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stripMetadata } from '../../src/attachment-metadata/index.ts'
import { zip } from './archives.ts'
import { packedPdf, pdf } from './pdf-samples.ts'
import { chunk, exif, gif, insert, jpeg, latin, png, riff, segment, webpOf } from './samples.ts'

const whole = {
  jpeg: insert(
    jpeg,
    20,
    segment(0xe1, Buffer.concat([latin('Exif\0\0'), exif(6)])),
    segment(0xfe, latin('x')),
  ),
  png: insert(png, 33, chunk('eXIf', exif(6)), chunk('tEXt', latin('a\0b'))),
  gif: insert(gif, 19, Buffer.from([0x21, 0xfe, 1, 65, 0])),
  webp: webpOf(
    riff('VP8X', Buffer.from([8, 0, 0, 0, 2, 0, 0, 1, 0, 0])),
    riff('VP8L', latin('xx')),
    riff('EXIF', exif(6)),
  ),
  pdf: pdf(
    { 1: '<</Type/Catalog/A 2 0 R/Metadata 2 0 R>>', 2: { entries: '/X[1 0 R(a\\))]', content: latin('x') } },
    '/Root 1 0 R',
  ),
  'packed PDF': packedPdf(
    { 1: '<</Type/Catalog/A 2 0 R>>' },
    { 2: { entries: '', content: latin('x') } },
    '/Root 1 0 R',
  ),
  document: zip({
    '[Content_Types].xml': '<Types><Override PartName="/docProps/core.xml"/></Types>',
    '_rels/.rels':
      '<Relationships><Relationship Type="/core-properties" Target="docProps/core.xml"/></Relationships>',
    'docProps/core.xml': '<x/>',
  }),
  'open document': zip({
    mimetype: 'application/vnd.oasis.opendocument.text',
    'META-INF/manifest.xml': '<m:manifest><m:file-entry m:full-path="Thumbnails/t.png"/></m:manifest>',
    'settings.xml': '<config:config-item config:name="PrinterName">a</config:config-item>',
    'meta.xml': '<x/>',
  }),
}

test('the samples are understood', () => {
  for (const [name, bytes] of Object.entries(whole)) expect(stripMetadata(bytes, '', ''), name).toBeDefined()
})

test.each(Object.entries(whole))(
  'a damaged file of a known kind is refused or stripped, never an error: %s',
  (_, bytes) => {
    const damage = fc.array(
      fc.tuple(
        fc.nat(bytes.length - 1),
        fc.oneof(fc.constantFrom(0, 0xff, 0x28, 0x3c, 0x7f, 0x20), fc.nat(255)),
        fc.nat(3),
      ),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), fc.boolean(), (places, length, short) => {
        const damaged = Buffer.from(bytes)
        for (const [at, value, times] of places)
          damaged.fill(value, at, Math.min(at + 1 + times, bytes.length))
        const stripped = stripMetadata(short ? damaged.subarray(0, length) : damaged, 'a', 'a/b')
        expect(stripped === undefined || stripped.length < 10_000).toBe(true)
      }),
      { numRuns: 700 },
    )
  },
)

test('any bytes behind any beginning are refused or stripped, never an error', () => {
  const heads = [
    '',
    '\xff\xd8\xff',
    '\x89PNG\r\n\x1a\n',
    'GIF89a',
    'RIFF\x20\0\0\0WEBP',
    '%PDF-1.4\n',
    'PK\x03\x04',
    '\xff\xfe',
  ]
  const words = [
    'obj',
    'xref',
    'trailer',
    'startxref',
    'stream',
    '<<',
    '>>',
    '[',
    '/Length',
    '/Root 1 0 R',
    '1 0 obj',
    ' ',
    '\n',
    'PK\x05\x06',
    'PK\x01\x02',
  ]
  const body = fc.array(fc.oneof(fc.constantFrom(...words).map(latin), fc.uint8Array({ maxLength: 30 })), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(fc.constantFrom(...heads), body, (head, parts) => {
      stripMetadata(Buffer.concat([latin(head), ...parts]), 'a.txt', 'text/plain')
    }),
    { numRuns: 700 },
  )
})

const repeated = (piece: string, length: number): Buffer => latin(piece.repeat(length / piece.length))
const rels = (xml: Buffer): Buffer => zip({ '[Content_Types].xml': '<Types/>', '_rels/.rels': xml })

test.each<[string, (length: number) => Buffer]>([
  ['JPEG of restarts', n => Buffer.concat([jpeg.subarray(0, -2), repeated('\xff\xd0', n)])],
  ['JPEG of fill bytes', n => Buffer.concat([jpeg.subarray(0, 20), repeated('\xff', n)])],
  ['JPEG of segments', n => insert(jpeg, 20, repeated('\xff\xdd\0\x02', n))],
  ['PNG of chunks', n => insert(png, 33, repeated('\0\0\0\0IDAT\0\0\0\0', n))],
  ['GIF of blocks', n => insert(gif, 19, repeated('\x21\xf9\x01\0\0', n))],
  ['WebP of frames', n => webpOf(repeated(`ANMF\x10\0\0\0${'a'.repeat(16)}`, n))],
  ['PDF of strings', n => pdf({ 1: `<</A[${'('.repeat(n)}]>>` }, '/Root 1 0 R')],
  ['PDF of names', n => pdf({ 1: `<<${'/A'.repeat(n / 2)}>>` }, '/Root 1 0 R')],
  ['PDF of numbers', n => pdf({ 1: `[${'1 0 '.repeat(n / 4)}]` }, '/Root 1 0 R')],
  ['PDF of references', n => pdf({ 1: `[${'1 0 R'.repeat(n / 5)}]` }, '/Root 1 0 R')],
  [
    'PDF of thumbnails',
    n => pdf({ 1: `[${'<</Type/Page/Thumb 1 0 R/PieceInfo 1>>'.repeat(n / 39)}]` }, '/Root 1 0 R'),
  ],
  ['PDF of comments', n => pdf({ 1: `[${'%\n'.repeat(n / 2)}]` }, '/Root 1 0 R')],
  [
    'PDF of tables',
    n => latin(`%PDF-1.4\nxref\n${'0 0\n'.repeat(n / 4)}trailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF`),
  ],
  ['relationships that do not end', n => rels(repeated('<Relationship ', n))],
  ['attributes that do not end', n => rels(latin(`<Relationship ${'a="b" '.repeat(n / 6)}`))],
  ['quotes that do not end', n => rels(latin(`<Relationship ${`"'`.repeat(n / 2)}`))],
  ['a text', n => repeated('<a b="c">', n)],
])('time and length are in proportion: %s', (name, make) => {
  const cost = (length: number): number => {
    const bytes = make(length)
    const before = process.cpuUsage()
    const stripped = stripMetadata(bytes, name.endsWith('text') ? 'a.xml' : 'a', '')
    expect(stripped === undefined || stripped.length < length * 3 + 2000).toBe(true)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  cost(40_000)
  // Linear is 8; quadratic is 64.
  expect(cost(800_000) / Math.max(cost(100_000), 10_000)).toBeLessThan(32)
})
