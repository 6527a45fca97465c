/**
 * Foreign text for a Markdown report: in a code span, so that it is neither link nor HTML nor emphasis nor, in a cell that is
 * pasted elsewhere, a formula. What cannot be seen, what could end the span or the cell, shows as `\u{…}`.
 */
export function inert(text: string): string {
  if (text === '') return '—'
  const safe = text.replace(unsafe, character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
  return `\`${safe}\``
}

/** Controls, formats, unassigned; spaces but the plain one; what is drawn as nothing; combining marks; backtick, bar, line breaks. */
const unsafe = /[`|\p{C}\p{Default_Ignorable_Code_Point}\p{M}\u2800]|(?! )\p{Z}/gu
