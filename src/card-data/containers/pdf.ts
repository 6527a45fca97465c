import { inflateSync } from 'node:zlib'

export const isPdf = (bytes: Buffer): boolean => bytes.subarray(0, 1024).includes('%PDF-')

/**
 * The text layer of a PDF (ISO 32000-1 section 9.4): what its content streams show, in the order they show it, also by fonts
 * whose codes only their ToUnicode maps explain. `whole` is false when a stream could not be read: encrypted, damaged,
 * packed by a filter that is not known here (images apart), or over the budget.
 */
export function pdfText(
  bytes: Buffer,
  budget: { left: number },
): { readonly text: string; readonly whole: boolean } {
  const streams: string[] = []
  let whole = !bytes.includes('/Encrypt')
  for (const { head, content } of rawStreams(bytes)) {
    if (/\/Subtype\s*\/Image|\/FontFile|\/Length1\b/.test(head)) continue
    const plain = decode(head, content, budget)
    if (plain === undefined) whole = false
    else streams.push(plain.toString('latin1'))
  }
  const maps = streams.filter(stream => stream.includes('beginbf')).map(readMap)
  const shown = streams.filter(stream => /\bT[jJ]\b|\bT\*|'/.test(stream)).map(stream => showText(stream))
  // Which font a text uses is not followed: each map is tried on all of it.
  const mapped = maps.flatMap(map => shown.map(parts => parts.map(part => throughMap(part, map)).join('')))
  // Metadata and form fields stand in objects, some of them in packed object streams.
  const objects = streams.filter(stream => stream.includes('(')).map(stream => showStrings(stream))
  return {
    text: [
      ...shown.map(parts => parts.join('')),
      ...mapped,
      ...objects,
      showStrings(bytes.toString('latin1')),
    ].join('\n'),
    whole,
  }
}

function* rawStreams(bytes: Buffer): Generator<{ head: string; content: Buffer }> {
  let at = 0
  for (;;) {
    const mark = bytes.indexOf('stream', at)
    if (mark < 0) return
    const from = mark + 6 + (bytes[mark + 6] === 13 ? 2 : 1)
    const end = bytes.indexOf('endstream', from)
    if (end < 0) return
    const head = bytes.toString('latin1', Math.max(at, mark - 1024), mark)
    yield { head: head.slice(head.lastIndexOf('obj') + 3), content: bytes.subarray(from, end) }
    at = end + 9
  }
}

function decode(head: string, content: Buffer, budget: { left: number }): Buffer | undefined {
  let plain = content
  for (const [, filter] of (/\/Filter\s*\[?([^\]>]*)/.exec(head)?.[1] ?? '').matchAll(/\/(\w+)/g)) {
    const next: Buffer | undefined =
      filter === 'FlateDecode' || filter === 'Fl'
        ? inflate(plain, budget.left)
        : filter === 'ASCIIHexDecode' || filter === 'AHx'
          ? Buffer.from(plain.toString('latin1').replaceAll(/\s/g, ''), 'hex')
          : filter === 'ASCII85Decode' || filter === 'A85'
            ? ascii85(plain.toString('latin1'))
            : undefined
    if (next === undefined) {
      // The next word is the value of another key of the dictionary, when the filter stood without brackets.
      if (plain !== content && !head.includes('[')) break
      return undefined
    }
    plain = next
    if (!/\/Filter\s*\[/.test(head)) break
  }
  if (plain !== content) budget.left -= plain.length
  return plain
}

function inflate(content: Uint8Array, most: number): Buffer | undefined {
  try {
    return inflateSync(content, { maxOutputLength: Math.max(most, 1) })
  } catch {
    return undefined
  }
}

function ascii85(text: string): Buffer {
  const out: number[] = []
  let [value, count] = [0, 0]
  for (const char of text.replaceAll(/\s|~>[\s\S]*$/g, '')) {
    if (char === 'z' && count === 0) {
      out.push(0, 0, 0, 0)
      continue
    }
    value = value * 85 + char.charCodeAt(0) - 33
    if (++count < 5) continue
    out.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
    value = count = 0
  }
  if (count > 1) {
    for (let i = count; i < 5; i++) value = value * 85 + 84
    for (let i = 0; i < count - 1; i++) out.push((value >>> (24 - 8 * i)) & 255)
  }
  return Buffer.from(out)
}

/** The strings that a content stream shows; a line end for each move to another line. */
function showText(stream: string): string[] {
  const parts: string[] = []
  const tokens =
    /\((?:[^()\\]|\\[\s\S]|\((?:[^()\\]|\\[\s\S])*\))*\)|<([0-9A-Fa-f\s]*)>|(-?[\d.]+)\s+(-?[\d.]+)\s+T[dD]\b|\b(?:T\*|Tm|ET|BT)\b|(-?\d+(?:\.\d+)?)(?=\s*[(<\]])/g
  for (const match of stream.matchAll(tokens)) {
    const [token, hex, , down, kern] = match
    if (token.startsWith('(')) parts.push(unescape(token.slice(1, -1)))
    else if (hex !== undefined) parts.push(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex').toString('latin1'))
    // A wide step to the left of the pen is a space.
    else if (kern !== undefined) {
      if (Number(kern) < -200) parts.push(' ')
    } else parts.push(down === undefined || Number(down) !== 0 ? '\n' : ' ')
  }
  return parts
}

/** Every literal string, each on its own line. */
function showStrings(text: string): string {
  return [...text.matchAll(/\(((?:[^()\\]|\\[\s\S]){8,4096})\)/g)]
    .map(([, string = '']) => unescape(string))
    .join('\n')
}

function unescape(string: string): string {
  return string.replace(/\\(?:([0-7]{1,3})|(\r?\n)|([\s\S]))/g, (_, octal, line, char: string | undefined) =>
    octal === undefined
      ? line === undefined
        ? ({ n: '\n', r: '\n', t: '\t' }[char ?? ''] ?? char ?? '')
        : ''
      : String.fromCharCode(Number.parseInt(String(octal), 8) & 255),
  )
}

/** Codes of two bytes to characters: `beginbfchar`, `beginbfrange` (ISO 32000-1 section 9.10.3). */
function readMap(stream: string): Map<number, string> {
  const map = new Map<number, string>()
  const hex = (text: string | undefined): number => Number.parseInt(text ?? '', 16)
  const char = (code: number): string => (code > 0 && code <= 0xffff ? String.fromCharCode(code) : '')
  for (const [, body = ''] of stream.matchAll(/beginbfchar([\s\S]*?)endbfchar/g)) {
    for (const [, code, to] of body.matchAll(/<([0-9A-Fa-f]{2,4})>\s*<([0-9A-Fa-f]{4})[0-9A-Fa-f]*>/g))
      map.set(hex(code), char(hex(to)))
  }
  for (const [, body = ''] of stream.matchAll(/beginbfrange([\s\S]*?)endbfrange/g)) {
    for (const [, low, high, to] of body.matchAll(
      /<([0-9A-Fa-f]{2,4})>\s*<([0-9A-Fa-f]{2,4})>\s*<([0-9A-Fa-f]{4})>/g,
    )) {
      for (let code = hex(low), k = 0; code <= hex(high) && k < 65_536; code++, k++)
        map.set(code, char(hex(to) + k))
    }
    for (const [, low, list = ''] of body.matchAll(
      /<([0-9A-Fa-f]{2,4})>\s*<[0-9A-Fa-f]{2,4}>\s*\[([^\]]*)\]/g,
    )) {
      ;[...list.matchAll(/<([0-9A-Fa-f]{4})/g)].forEach(([, to], k) => map.set(hex(low) + k, char(hex(to))))
    }
  }
  return map
}

function throughMap(part: string, map: ReadonlyMap<number, string>): string {
  if (part === '\n' || part === ' ') return part
  let wide = ''
  for (let i = 0; i + 1 < part.length; i += 2) {
    wide += map.get(part.charCodeAt(i) * 256 + part.charCodeAt(i + 1)) ?? '\ufffd'
  }
  if (!wide.includes('\ufffd')) return wide
  return Array.from(part)
    .map(char => map.get(char.charCodeAt(0)) ?? char)
    .join('')
}
