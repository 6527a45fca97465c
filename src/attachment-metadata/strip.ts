/**
 * The attachment without what its file says about its making: who, where, when, with what (docs/attachments.md lists it by type).
 * What it shows stays as it is. The content says what it is; `filename` and `contentType` only tell text from bytes.
 *
 * Undefined: it cannot be removed here, because the type is not known, or this file of it is damaged, encrypted, or made in a
 * way that is not understood to the end. Never throws. Takes time in proportion to the length, and memory for a few copies.
 * Content that has nothing to remove is given back as it is: the same array.
 */
export function stripMetadata(
  content: Uint8Array,
  filename: string,
  contentType: string,
): Uint8Array | undefined {
  return isPlainText(filename, contentType) ? content : undefined
}

function isPlainText(filename: string, contentType: string): boolean {
  return contentType.startsWith('text/') && !filename.endsWith('.html')
}
