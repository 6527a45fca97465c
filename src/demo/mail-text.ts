/** The header fields of a mail of ours as they are, and the text that a mail program would show; of several parts, all as they are. */
export function readable(content: string): string {
  const end = content.indexOf('\r\n\r\n')
  const header = content.slice(0, end)
  if (!/^Content-Transfer-Encoding: base64$/m.test(header)) return content.replaceAll('\r\n', '\n').trimEnd()
  const text = Buffer.from(content.slice(end), 'base64').toString('utf8')
  return `${header.replaceAll('\r\n', '\n')}\n\n${text.trimEnd()}`
}
