import { expect, test } from 'vitest'
import { stripMetadata } from '../../src/attachment-metadata/index.ts'

const wide = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')

test.each([
  ['a CSV', 'Card;Sum\r\n4111111111111111;5\r\n', 'cases.csv', 'text/csv'],
  ['a CSV without a type', 'Card;Sum\n', 'cases.CSV', 'application/octet-stream'],
  ['a text', 'Grüße 🎉', 'note.txt', 'text/plain'],
  ['a JSON with a page in it', '{"page":"<html><svg>"}', 'a', 'application/json'],
  [
    'an XML',
    '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"/>',
    'a',
    'application/xml',
  ],
  ['an XML of a kind', '\ufeff<a/>', 'a', 'application/vnd.example+xml'],
  ['nothing', '', 'a.txt', 'text/plain'],
])('%s stays as it is', (_, text, filename, contentType) => {
  const bytes = Buffer.from(text)
  expect(stripMetadata(bytes, filename, contentType)).toBe(bytes)
})

test('a text of other encodings stays as it is', () => {
  const latin = Buffer.from('caf\xe9;1', 'latin1')
  expect(stripMetadata(latin, 'a.csv', 'text/csv')).toBe(latin)
  expect(stripMetadata(wide('Card;Sum'), 'a.csv', 'text/csv')).toEqual(wide('Card;Sum'))
})

test.each([
  ['a page', '<html><meta name=author content=Jane>', 'a.txt', 'text/plain'],
  ['a drawing', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'a.xml', 'text/xml'],
  ['RTF', '{\\rtf1{\\info{\\author Jane}}}', 'a.txt', 'text/plain'],
  ['PostScript', '%!PS-Adobe-3.0\n%%Creator: Jane', 'a.txt', 'text/plain'],
  [
    'an office document in one XML',
    '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>',
    'a.xml',
    'text/xml',
  ],
  ['a text of a type that is not known', 'BEGIN:VCARD', 'a.vcf', 'text/vcard'],
  ['bytes that are called a text', 'a\u0000b', 'a.txt', 'text/plain'],
  ['a PDF that is called a text', '%PDF-1.4\n', 'a.txt', 'text/plain'],
])('%s is not taken for data', (_, text, filename, contentType) => {
  expect(stripMetadata(Buffer.from(text), filename, contentType)).toBeUndefined()
})

test('a drawing of wide characters is not taken for data', () => {
  expect(stripMetadata(wide('<svg>'), 'a.xml', 'text/xml')).toBeUndefined()
})

test.each([
  ['TIFF', 'II*\0\x08\0\0\0'],
  ['MP4', '\0\0\0\x18ftypisom'],
  ['HEIC', '\0\0\0\x18ftypheic'],
  ['MP3', 'ID3\x03\0'],
  ['an old office document', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
  ['a program', '\x7fELF'],
])('%s is not known, whatever it is called', (_, head) => {
  expect(stripMetadata(Buffer.from(head, 'latin1'), 'a.csv', 'text/csv')).toBeUndefined()
})
