import { describe, expect, test } from 'vitest'
import { stripMetadata } from '../../src/attachment-metadata/index.ts'
import { chunk, exif, gif, insert, jpeg, latin, png, riff, secret, segment, webp, webpOf } from './samples.ts'

function strip(bytes: Buffer): Buffer | undefined {
  const stripped = stripMetadata(bytes, 'picture', 'application/octet-stream')
  return stripped === undefined ? undefined : Buffer.from(stripped)
}

const exifSegment = (orientation: number, order?: 'II'): Buffer =>
  segment(0xe1, Buffer.concat([latin('Exif\0\0'), exif(orientation, order)]))

/** What stands in an Exif structure that is left: one entry, which way up. */
const upright = (orientation: number): Buffer =>
  Buffer.from([
    ...latin('MM\0*'),
    0,
    0,
    0,
    8,
    0,
    1,
    1,
    0x12,
    0,
    3,
    0,
    0,
    0,
    1,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
  ])

describe('JPEG', () => {
  const jfif = 20

  test.each([
    ['Exif', exifSegment(1)],
    ['XMP', segment(0xe1, latin(`http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>${secret}`))],
    ['IPTC', segment(0xed, latin(`Photoshop 3.0\0${secret}`))],
    ['a comment', segment(0xfe, latin(secret))],
    ['more pictures', segment(0xe2, latin(`MPF\0${secret}`))],
    ['a thumbnail', segment(0xe0, latin(`JFXX\0${secret}`))],
    ['something of its maker', segment(0xeb, latin(secret))],
    ['fill bytes before it', Buffer.concat([Buffer.from([0xff, 0xff]), segment(0xfe, latin(secret))])],
  ])('goes: %s', (_, extra) => {
    expect(strip(insert(jpeg, jfif, extra))).toEqual(jpeg)
  })

  test('what stands between scans and behind the end goes', () => {
    const end = jpeg.length - 2
    expect(strip(insert(jpeg, end, segment(0xfe, latin(secret))))).toEqual(jpeg)
    expect(strip(Buffer.concat([jpeg, latin(secret)]))).toEqual(jpeg)
  })

  test('the thumbnail within JFIF goes', () => {
    const small = Buffer.concat([jpeg.subarray(6, 18), Buffer.from([1, 1, 7, 7, 7])])
    const with1 = Buffer.concat([jpeg.subarray(0, 2), segment(0xe0, small), jpeg.subarray(20)])
    expect(strip(with1)).toEqual(jpeg)
  })

  test('the colour profile and the colour transform stay', () => {
    const colours = [
      segment(0xe2, latin('ICC_PROFILE\0\x01\x01profile')),
      segment(0xee, latin('Adobe\0\x64\0\0\0\0\x01')),
    ]
    const coloured = insert(jpeg, jfif, ...colours)
    expect(strip(insert(coloured, jfif, exifSegment(1)))).toEqual(coloured)
  })

  test.each(['MM', 'II'] as const)('which way up stays, and nothing else of Exif (%s)', order => {
    const kept = segment(0xe1, Buffer.concat([latin('Exif\0\0'), upright(6)]))
    const turned = order === 'II' ? exifSegment(6, 'II') : exifSegment(6)
    expect(strip(insert(jpeg, jfif, turned))).toEqual(insert(jpeg, jfif, kept))
  })

  test.each([
    ['cut off', jpeg.subarray(0, -2)],
    ['cut off in a segment', jpeg.subarray(0, 60)],
    ['without a picture', Buffer.concat([jpeg.subarray(0, 20), Buffer.from([0xff, 0xd9])])],
    ['with a segment that nobody knows', insert(jpeg, jfif, segment(0xf3, latin(secret)))],
    ['hierarchical', insert(jpeg, jfif, segment(0xde, Buffer.alloc(15)))],
    ['with rubbish between segments', insert(jpeg, jfif, Buffer.from([1, 2, 3]))],
  ])('is not understood: %s', (_, bytes) => {
    expect(strip(bytes)).toBeUndefined()
  })
})

describe('PNG', () => {
  const header = 33
  const end = png.length - 12

  test.each(['tEXt', 'zTXt', 'iTXt', 'tIME', 'eXIf', 'caBX', 'prVt'])('goes: %s', type => {
    expect(strip(insert(png, header, chunk(type, latin(`Author\0${secret}`))))).toEqual(png)
    expect(strip(insert(png, end, chunk(type, latin(`Author\0${secret}`))))).toEqual(png)
  })

  test('what stands behind the end goes', () => {
    expect(strip(Buffer.concat([png, latin(secret)]))).toEqual(png)
  })

  test('colours, size and frames stay', () => {
    const kept = ['gAMA', 'cHRM', 'sRGB', 'iCCP', 'pHYs', 'acTL'].map(type => chunk(type, latin('kept')))
    const coloured = insert(png, header, ...kept)
    expect(strip(coloured)).toEqual(coloured)
  })

  test('which way up stays', () => {
    const turned = insert(png, header, chunk('eXIf', exif(3, 'II')))
    expect(strip(turned)).toEqual(insert(png, end, chunk('eXIf', upright(3))))
  })

  test.each([
    ['cut off', png.subarray(0, -1)],
    ['a chunk that has to be understood', insert(png, header, chunk('ABCD', latin(secret)))],
    ['nothing but its signature', png.subarray(0, 8)],
    ['no header first', Buffer.concat([png.subarray(0, 8), png.subarray(header)])],
  ])('is not understood: %s', (_, bytes) => {
    expect(strip(bytes)).toBeUndefined()
  })
})

describe('GIF', () => {
  const first = 19
  const blocks = (...parts: string[]): Buffer =>
    Buffer.concat([
      ...parts.map(part => Buffer.concat([Buffer.from([part.length]), latin(part)])),
      Buffer.alloc(1),
    ])

  test.each([
    ['a comment', Buffer.concat([Buffer.from([0x21, 0xfe]), blocks(secret, secret)])],
    ['XMP', Buffer.concat([Buffer.from([0x21, 0xff]), blocks('XMP DataXMP', secret)])],
    ['what another program left', Buffer.concat([Buffer.from([0x21, 0xff]), blocks('MGK8BIM0000', secret)])],
  ])('goes: %s', (_, extra) => {
    expect(strip(insert(gif, first, extra))).toEqual(gif)
    expect(strip(insert(gif, gif.length - 1, extra))).toEqual(gif)
  })

  test('what stands behind the end goes; what animates stays', () => {
    expect(gif.includes('NETSCAPE2.0')).toBe(true)
    expect(strip(Buffer.concat([gif, latin(secret)]))).toEqual(gif)
  })

  test.each([
    ['cut off', gif.subarray(0, -1)],
    ['cut off in its table', gif.subarray(0, 15)],
    ['rubbish between blocks', insert(gif, first, latin('?'))],
  ])('is not understood: %s', (_, bytes) => {
    expect(strip(bytes)).toBeUndefined()
  })
})

describe('WebP', () => {
  const picture = webp.subarray(12)
  const extended = (flags: number): Buffer => riff('VP8X', Buffer.from([flags, 0, 0, 0, 2, 0, 0, 1, 0, 0]))

  test('Exif, XMP and what nobody knows go, and the header says so', () => {
    const full = webpOf(
      extended(0x2c),
      riff('ICCP', latin('profile')),
      picture,
      riff('EXIF', exif(1)),
      riff('XMP ', latin(secret)),
      riff('ABCD', latin(secret)),
    )
    expect(strip(Buffer.concat([full, latin(secret)]))).toEqual(
      webpOf(extended(0x20), riff('ICCP', latin('profile')), picture),
    )
    expect(strip(webp)).toEqual(webp)
  })

  test('which way up stays', () => {
    expect(strip(webpOf(extended(0x08), picture, riff('EXIF', exif(8))))).toEqual(
      webpOf(extended(0x08), picture, riff('EXIF', upright(8))),
    )
  })

  test('frames keep what they show', () => {
    const head = Buffer.alloc(16, 1)
    const frame = (...more: Buffer[]): Buffer => riff('ANMF', Buffer.concat([head, picture, ...more]))
    expect(strip(webpOf(extended(2), frame(riff('ABCD', latin(secret)))))).toEqual(
      webpOf(extended(2), frame()),
    )
  })

  test.each([
    ['cut off', webp.subarray(0, -1)],
    ['a chunk longer than the file', webpOf(Buffer.concat([latin('VP8 '), Buffer.from([255, 0, 0, 0, 1])]))],
    ['a frame too short', webpOf(extended(2), riff('ANMF', latin('x')))],
  ])('is not understood: %s', (_, bytes) => {
    expect(strip(bytes)).toBeUndefined()
  })
})
