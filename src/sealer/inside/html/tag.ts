export interface Tag {
  /** In lower case. */
  readonly name: string
  /** Names in lower case, values as written; of a few elements only, see {@link withAttributes}. */
  readonly attributes: ReadonlyMap<string, string>
  /** Behind its `>`. */
  readonly end: number
}

/** The elements whose attributes show something. */
const withAttributes = new Set(['a', 'area', 'img', 'input', 'ol', 'li'])
const none: ReadonlyMap<string, string> = new Map()

/** The tag whose `<` is at `open`, a letter or `/` and a letter behind it. Undefined: it never ends. */
export function readTag(source: string, open: number): Tag | undefined {
  const first = open + (source[open + 1] === '/' ? 2 : 1)
  let at = first
  while (at < source.length && !endsName(source.charCodeAt(at))) at++
  // No element that means something here has a longer name.
  const name = source.slice(first, Math.min(at, first + 12)).toLowerCase()
  const attributes = withAttributes.has(name) ? new Map<string, string>() : undefined
  for (;;) {
    let code = source.charCodeAt(at)
    while (isSpace(code) || code === 47) code = source.charCodeAt(++at)
    if (at >= source.length) return undefined
    if (code === 62) return { name, attributes: attributes ?? none, end: at + 1 }
    const from = at++
    while (at < source.length && !endsName(source.charCodeAt(at)) && source[at] !== '=') at++
    const key = [from, at] as const
    while (isSpace(source.charCodeAt(at))) at++
    if (source[at] !== '=') continue
    at++
    while (isSpace(source.charCodeAt(at))) at++
    const quote = source[at]
    let value: readonly [number, number]
    if (quote === '"' || quote === "'") {
      const close = source.indexOf(quote, at + 1)
      if (close < 0) return undefined
      value = [at + 1, close]
      at = close + 1
    } else {
      const begin = at
      while (at < source.length && !isSpace(source.charCodeAt(at)) && source[at] !== '>') at++
      value = [begin, at]
    }
    if (attributes === undefined || attributes.size > 20) continue
    const attribute = source.slice(...key).toLowerCase()
    // The first of a name counts.
    if (!attributes.has(attribute)) attributes.set(attribute, source.slice(...value))
  }
}

const isSpace = (code: number): boolean =>
  code === 32 || code === 10 || code === 9 || code === 12 || code === 13
const endsName = (code: number): boolean => isSpace(code) || code === 47 || code === 62
