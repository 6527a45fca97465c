import { describe, expect, test } from 'vitest'
import { stripMetadata } from '../../src/attachment-metadata/index.ts'
import { unzip, zip } from './archives.ts'
import { exif, insert, jpeg, latin, png, secret, segment } from './samples.ts'

type Parts = Record<string, string | Buffer>

const strip = (parts: Parts): Record<string, string> | undefined => {
  const stripped = stripMetadata(zip(parts), 'a.docx', 'application/octet-stream')
  return stripped === undefined ? undefined : unzip(stripped)
}

const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const relationships = (...each: [type: string, target: string, more?: string][]): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${each
    .map(
      ([type, target, more = ''], i) =>
        `<Relationship Id="rId${i}" Type="${type}" Target="${target}"${more}/>`,
    )
    .join('')}</Relationships>`
const types = (...parts: string[]): string =>
  `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>${parts
    .map(part => `<Override PartName="/${part}" ContentType="x/y"/>`)
    .join('')}</Types>`

const photograph = insert(jpeg, 20, segment(0xe1, Buffer.concat([latin('Exif\0\0'), exif(1)])))

describe('a document (OOXML)', () => {
  const core = 'http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties'
  const document: Parts = {
    '[Content_Types].xml': types('docProps/core.xml', 'docProps/app.xml', 'word/document.xml'),
    '_rels/.rels': relationships(
      [`${office}/officeDocument`, 'word/document.xml'],
      [core, 'docProps/core.xml'],
      [`${office}/extended-properties`, '/docProps/app.xml'],
      [`${office}/custom-properties`, 'odd/place.xml'],
      ['http://customschemas.google.com/relationships/workbookmetadata', 'xl/metadata'],
      [
        'http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail',
        'docProps/thumbnail.jpeg',
      ],
    ),
    'docProps/core.xml': `<cp:coreProperties><dc:creator>${secret}</dc:creator></cp:coreProperties>`,
    'docProps/app.xml': `<Properties><Company>${secret}</Company></Properties>`,
    'docProps/thumbnail.jpeg': latin(secret),
    'xl/metadata': latin(secret),
    'odd/place.xml': `<Properties>${secret}</Properties>`,
    'word/document.xml': '<w:document>4111 1111 1111 1111</w:document>',
    'word/settings.xml':
      '<w:settings><w:attachedTemplate r:id="rId0"/><w:rsids><w:rsidRoot w:val="00A1"/><w:rsid w:val="00B2"/></w:rsids><w:zoom/></w:settings>',
    'word/_rels/settings.xml.rels': relationships([
      `${office}/attachedTemplate`,
      `file:///C:\\Users\\${secret}\\Normal.dotm`,
      ' TargetMode="External"',
    ]),
    'customXml/item1.xml': `<p:properties xmlns:p="http://schemas.microsoft.com/office/2006/metadata/properties">${secret}</p:properties>`,
    'customXml/item2.xml': '<data/>',
    'word/media/image1.jpeg': photograph,
    'word/media/image2.png': png,
  }

  test('loses its properties, thumbnail, template and sessions; pictures lose theirs', () => {
    expect(strip(document)).toEqual({
      '[Content_Types].xml': types('word/document.xml'),
      '_rels/.rels': relationships([`${office}/officeDocument`, 'word/document.xml']),
      'word/document.xml': document['word/document.xml'],
      'word/settings.xml': '<w:settings><w:rsids></w:rsids><w:zoom/></w:settings>',
      'word/_rels/settings.xml.rels': relationships(),
      'customXml/item1.xml': '<removed/>',
      'customXml/item2.xml': '<data/>',
      'word/media/image1.jpeg': jpeg.toString('latin1'),
      'word/media/image2.png': png.toString('latin1'),
    })
  })

  test('dates, extra fields and comments of the archive go', () => {
    const stripped = Buffer.from(stripMetadata(zip(document), 'a.docx', '') ?? [])
    expect(stripped.includes(secret)).toBe(false)
    expect(stripped.readUInt32LE(10)).toBe(0x0021_0000)
  })

  test.each<[string, Parts]>([
    ['signed', { '_xmlsignatures/sig1.xml': '<x/>' }],
    ['with macros', { 'word/vbaProject.bin': 'x' }],
    ['with a document in it', { 'word/embeddings/sheet1.xlsx': zip({ a: 'b' }) }],
    ['with a picture that is not known', { 'word/media/image3.tiff': 'II*\0' }],
    ['with a damaged picture', { 'word/media/image3.jpg': jpeg.subarray(0, -2) }],
    ['with comments among its relationships', { '_rels/.rels': '<!-- <Relationship --><Relationships/>' }],
    ['with relationships that are not empty', { '_rels/.rels': '<Relationship Type="x">y</Relationship>' }],
    [
      'with relationships in other words',
      { '_rels/.rels': '<Relationship Type="x&#47;thumbnail" Target="a"/>' },
    ],
    ['with a history', { 'xl/revisions/userNames.xml': '<x/>' }],
  ])('is not understood: %s', (_, parts) => {
    expect(strip({ ...document, ...parts })).toBeUndefined()
  })

  test('a workbook loses its printers and the path that it was saved at', () => {
    const rels = 'xl/worksheets/_rels/sheet1.xml.rels'
    const workbook: Parts = {
      '[Content_Types].xml': types(),
      'xl/workbook.xml': `<workbook><fileSharing userName="${secret}" readOnlyRecommended="1"/><x15ac:absPath url="C:\\${secret}\\" xmlns:x15ac="z"/><sheets/></workbook>`,
      'xl/worksheets/sheet1.xml':
        '<worksheet><v>5</v><pageSetup paperSize="9" r:id="rId0"/><drawing r:id="rId1"/></worksheet>',
      [rels]: relationships(
        [`${office}/printerSettings`, '../printerSettings/p1.bin'],
        [`${office}/drawing`, '../d.xml'],
      ),
      'xl/printerSettings/p1.bin': latin(secret),
    }
    expect(strip(workbook)).toEqual({
      '[Content_Types].xml': types(),
      'xl/workbook.xml':
        '<workbook><fileSharing readOnlyRecommended="1"/><x15ac:absPath url="" xmlns:x15ac="z"/><sheets/></workbook>',
      'xl/worksheets/sheet1.xml':
        '<worksheet><v>5</v><pageSetup paperSize="9"/><drawing r:id="rId1"/></worksheet>',
      [rels]: relationships([`${office}/drawing`, '../d.xml']).replace('rId0', 'rId1'),
    })
  })
})

describe('a document (ODF)', () => {
  const manifest = (...paths: string[]): string =>
    `<manifest:manifest>${paths.map(path => `<manifest:file-entry manifest:full-path="${path}" manifest:media-type="x"/>`).join('')}</manifest:manifest>`
  const document: Parts = {
    mimetype: 'application/vnd.oasis.opendocument.text',
    'content.xml': '<office:document-content>4111</office:document-content>',
    'meta.xml': `<office:document-meta office:version="1.3"><meta:initial-creator>${secret}</meta:initial-creator></office:document-meta>`,
    'settings.xml': `<s><config:config-item config:name="PrinterName" config:type="string">${secret}</config:config-item><config:config-item config:name="AddFrameOffsets" config:type="boolean">true</config:config-item></s>`,
    'Thumbnails/thumbnail.png': png,
    'Pictures/1.jpg': photograph,
    'META-INF/manifest.xml': manifest('/', 'Thumbnails/thumbnail.png', 'content.xml'),
  }

  test('loses its properties, thumbnail and printer; pictures lose theirs', () => {
    const { 'meta.xml': meta, ...others } = strip(document) ?? {}
    expect(meta).toContain('<office:meta/>')
    expect(meta).toContain('office:version="1.3"')
    expect(others).toEqual({
      mimetype: document['mimetype'],
      'content.xml': document['content.xml'],
      'settings.xml':
        '<s><config:config-item config:name="AddFrameOffsets" config:type="boolean">true</config:config-item></s>',
      'Pictures/1.jpg': jpeg.toString('latin1'),
      'META-INF/manifest.xml': manifest('/', 'content.xml'),
    })
  })

  test.each<[string, Parts]>([
    ['encrypted', { 'META-INF/manifest.xml': '<manifest:encryption-data/>' }],
    ['signed', { 'META-INF/documentsignatures.xml': '<x/>' }],
    ['with another program\u2019s object', { 'Object 1': 'x' }],
  ])('is not understood: %s', (_, parts) => {
    expect(strip({ ...document, ...parts })).toBeUndefined()
  })
})

/** Each entry of an archive's directory: where it begins. */
function* entries(bytes: Buffer): Generator<number> {
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  let at = bytes.readUInt32LE(end + 16)
  while (at < end) {
    yield at
    at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  }
}

describe('an archive', () => {
  const parts: Parts = { '[Content_Types].xml': types(), 'a.xml': '<a/>', '_rels/.rels': relationships() }

  test('of something else is not known', () => {
    expect(strip({ 'a.txt': 'b' })).toBeUndefined()
  })

  test('that is encrypted, cut off or ambiguous is not understood', () => {
    expect(stripMetadata(zip(parts), '', '')).toBeDefined()
    expect(stripMetadata(zip(parts, { encrypted: true }), '', '')).toBeUndefined()
    expect(stripMetadata(zip(parts).subarray(0, -40), '', '')).toBeUndefined()
    expect(strip({ ...parts, 'A.XML': '<b/>' })).toBeUndefined()
  })

  test.each([
    ['whose members share their bytes', 20],
    ['whose content is not what its check sum says', 16],
    ['that unpacks to more than it says', 24],
  ])('%s is not understood', (_, field) => {
    const many = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`m${i + 10}.xml`, 'x'.repeat(5000)]),
    )
    const bytes = zip({ ...parts, '_rels/.rels': ' '.repeat(1_000_000), ...many })
    const [first = 0, ...others] = entries(bytes)
    for (const at of others) {
      // Up to the directory, which is not far behind the last.
      if (field === 20) bytes.writeUInt32LE(first - bytes.readUInt32LE(at + 42) - 60, at + 20)
      else bytes.writeUInt32LE(10, at + field)
    }
    expect(stripMetadata(bytes, '', '')).toBeUndefined()
  })
})
