import { decodeEscapes } from './decode/escapes.ts'
import { decodeReferences, stripMarkup } from './decode/markup.ts'
import { decodeBase64Runs, decodeQuotedPrintable, decodeWords } from './decode/transfer.ts'
import { fromWideUnicode } from './decode/unicode.ts'

const markup = /<(?:\?xml|!doctype|html|body|table|div|span|p|br|td|tr|w:|x:|a:|sst|worksheet)[\s/>:!]/i

/** Other ways to read a text, each by its name and only where something in the text calls for it. */
export function* readings(bytes: Buffer): Generator<readonly [name: string, content: Buffer]> {
  const has = (mark: string): boolean => bytes.includes(mark)
  let decoded: string | undefined
  const text = (): string => (decoded ??= bytes.toString('latin1'))
  const latin = (reading: string): Buffer => Buffer.from(reading, 'latin1')
  if (has('<') && markup.test(bytes.toString('latin1', 0, 65_536))) {
    yield ['markup', latin(decodeReferences(stripMarkup(text())))]
  } else if (has('&#') || has('&nbsp')) {
    yield ['references', latin(decodeReferences(text()))]
  }
  if (has('\\u') || has('\\x') || has('\\/') || (has('%') && /%[0-9A-F]{2}/i.test(text()))) {
    yield ['escapes', latin(decodeEscapes(text()))]
  }
  if (has('=\n') || has('=\r\n') || (has('=') && /(?:=[0-9A-F]{2}){3}/.test(text()))) {
    yield ['quoted-printable', latin(decodeQuotedPrintable(text()))]
  }
  if (has('=?')) yield ['encoded words', latin(decodeWords(text()))]
  const packed = decodeBase64Runs(bytes)
  if (packed.length > 0) yield ['base64', fromWideUnicode(packed) ?? packed]
}
