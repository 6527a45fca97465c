import { stripImage } from './images/index.ts'
import { isZip, stripOffice } from './office/index.ts'
import { isPdf, stripPdf } from './pdf/strip-pdf.ts'
import { isPlainText } from './plain-text.ts'

/**
 * The attachment without what its file says about its making: who, where, when, with what (docs/attachments.md lists it by type).
 * What it shows stays as it is. The content says what it is; `filename` and `contentType` only tell data from other texts.
 *
 * Undefined: it cannot be removed here, because the type is not known, or this file of it is damaged, encrypted, or made in a
 * way that is not understood to the end. Never throws. Takes time in proportion to the length, and memory for a few copies.
 */
export function stripMetadata(
  content: Uint8Array,
  filename: string,
  contentType: string,
): Uint8Array | undefined {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length)
  const image = stripImage(bytes)
  if (image !== 'none') return image
  if (isZip(bytes)) return stripOffice(bytes)
  if (isPdf(bytes)) return stripPdf(bytes)
  return isPlainText(bytes, filename, contentType) ? content : undefined
}
