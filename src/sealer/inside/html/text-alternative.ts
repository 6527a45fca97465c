import { Page } from './page.ts'
import { decodeReferences } from './references.ts'
import { readTag, type Tag } from './tag.ts'

/**
 * The readable text of an HTML body, for its text/plain alternative; both are UTF-8. Markup is taken apart as browsers do it (WHATWG
 * HTML, section 13.2.5), not as it should be. Everything that the HTML shows is there, each digit of it; of what it hides by
 * style, some may be. Linear in time and memory; never throws, whatever the bytes are.
 */
export function textOf(html: Uint8Array): Uint8Array {
  const source = Buffer.from(html.buffer, html.byteOffset, html.length).toString('utf8')
  const page = new Page()
  let at = source.startsWith('\ufeff') ? 1 : 0
  let drawn = false
  while (at < source.length) {
    const open = nextMarkup(source, at)
    if (open > at) page.text(decodeReferences(source.slice(at, open)))
    if (open === source.length) break
    if (isLetter(source.charCodeAt(open + 1))) {
      const tag = readTag(source, open)
      // A tag that never ends shows nothing, and nothing comes after it.
      if (tag === undefined) break
      at = tag.end
      drawn ||= tag.name === 'svg' || tag.name === 'math'
      at = start(page, tag, source, drawn)
    } else if (source[open + 1] === '/' && isLetter(source.charCodeAt(open + 2))) {
      const tag = readTag(source, open)
      if (tag === undefined) break
      at = tag.end
      page.close(tag.name)
    } else if (drawn && source.startsWith('<![CDATA[', open)) {
      const end = source.indexOf(']]>', open)
      page.text(source.slice(open + 9, end < 0 ? source.length : end))
      at = end < 0 ? source.length : end + 3
    } else at = afterComment(source, open)
  }
  return Buffer.from(page.end())
}

/** The next `<` that is no text, or the end. */
function nextMarkup(source: string, at: number): number {
  for (let open = source.indexOf('<', at); open >= 0; open = source.indexOf('<', open + 1)) {
    const code = source.charCodeAt(open + 1)
    if (isLetter(code) || code === 47 || code === 33 || code === 63) return open
  }
  return source.length
}

const isLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 122

/** Shows what an element shows of itself; gives where to go on: for some elements, after what they enclose. */
function start(page: Page, tag: Tag, source: string, drawn: boolean): number {
  const { name, end } = tag
  if (name === 'script' || name === 'style' || name === 'title') {
    // Within a drawing these enclose markup like other elements (WHATWG HTML, section 13.2.6.5).
    if (!drawn) return rawEnd(source, name, end).after
    const next = source.indexOf('<', end)
    return next < 0 ? source.length : next
  }
  page.open(name, tag.attributes)
  if (name === 'textarea' || name === 'xmp') {
    const { from, after } = rawEnd(source, name, end)
    const raw = source.slice(end, from)
    page.verbatim(name === 'xmp' ? raw : decodeReferences(raw))
    page.close(name)
    return after
  }
  if (name === 'plaintext') {
    page.verbatim(source.slice(end))
    return source.length
  }
  return end
}

/** Where the end tag of an element begins and ends that encloses text only. */
function rawEnd(source: string, name: string, at: number): { from: number; after: number } {
  const ending = new RegExp(`</${name}(?=[\\s/>])`, 'gi')
  ending.lastIndex = at
  const from = ending.exec(source)?.index
  if (from === undefined) return { from: source.length, after: source.length }
  return { from, after: readTag(source, from)?.end ?? source.length }
}

/** After a comment, and after everything that browsers take for one: doctypes, processing instructions, `</ `. */
function afterComment(source: string, open: number): number {
  if (!source.startsWith('<!--', open)) return after(source, '>', open)
  const abrupt = /<!---?>/y
  abrupt.lastIndex = open
  if (abrupt.test(source)) return abrupt.lastIndex
  const ending = /--!?>/g
  ending.lastIndex = open + 4
  return ending.test(source) ? ending.lastIndex : source.length
}

function after(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from)
  return found < 0 ? source.length : found + mark.length
}
