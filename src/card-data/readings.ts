import { decodeEscapes } from './decode/escapes.ts'
import { decodeReferences, stripMarkup } from './decode/markup.ts'
import { decodeBase64Runs, decodeQuotedPrintable, decodeWords } from './decode/transfer.ts'
import { fromWideUnicode } from './decode/unicode.ts'

const markup = /<(?:\?xml|!doctype|html|body|table|div|span|p|br|td|tr|w:|x:|a:|sst|worksheet)[\s/>:!]/i

/** A text up to here is read whole in each way. */
const whole = 1024 * 1024
/**
 * A longer one piece by piece, each with the end of the one before, so that memory stays small. Markup in large pieces, because what
 * belongs together may be far apart in it; anything else in small ones: then bytes that mean nothing are seldom read twice.
 */
const pieces = { markup: { size: whole, overlap: 64 * 1024 }, other: { size: 16 * 1024, overlap: 2 * 1024 } }

/** Other ways to read a text, each by its name and only where something in the text calls for it. */
export function* readings(bytes: Buffer): Generator<readonly [name: string, content: Buffer]> {
  const isMarkup = bytes.includes('<') && markup.test(bytes.toString('latin1', 0, 65_536))
  if (bytes.length <= whole) yield* readingsOf(bytes, isMarkup)
  else {
    const { size, overlap } = isMarkup ? pieces.markup : pieces.other
    for (let from = 0; from < bytes.length; from += size) {
      const piece = bytes.subarray(Math.max(0, from - overlap), from + size)
      for (const [name, reading] of readingsOf(piece, isMarkup)) yield [`${name} from ${from}`, reading]
    }
  }
  const packed = decodeBase64Runs(bytes)
  if (packed.length > 0) yield ['base64', fromWideUnicode(packed) ?? packed]
}

function* readingsOf(bytes: Buffer, isMarkup: boolean): Generator<readonly [name: string, content: Buffer]> {
  const has = (mark: string): boolean => bytes.includes(mark)
  let decoded: string | undefined
  const text = (): string => (decoded ??= bytes.toString('latin1'))
  const latin = (reading: string): Buffer => Buffer.from(reading, 'latin1')
  if (isMarkup) {
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
}
