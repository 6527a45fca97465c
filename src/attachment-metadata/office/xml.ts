/** The attributes of one tag: no `<` stands in them (XML 1.0 section 2.3), which also keeps the search linear. */
const attributes = `(?:\\s(?:[^<>"']|"[^"<]*"|'[^'<]*')*)?`

/**
 * XML as its bytes, for parts that are lists of empty elements. Undefined: it holds what could hide one: comments, CDATA, a
 * doctype, another encoding.
 */
export function simpleXml(content: Buffer | undefined): string | undefined {
  const xml = content?.toString('latin1')
  return xml === undefined || /<!|\0/.test(xml) ? undefined : xml
}

/** Without the empty elements of this name, whatever its prefix, for which `drop` says so. Undefined: one of them is not empty. */
export function dropEmpty(xml: string, name: string, drop: (tag: string) => boolean): string | undefined {
  const element = new RegExp(`<((?:\\w+:)?)${name}${attributes}>(?:\\s*</\\1${name}\\s*>)?`, 'g')
  let empty = 0
  const out = xml.replace(element, tag => {
    if (tag.includes('</') || tag.endsWith('/>')) empty++
    return drop(tag) ? '' : tag
  })
  const begun = xml.match(new RegExp(`<(?:\\w+:)?${name}[\\s/>]`, 'g'))?.length ?? 0
  return begun === empty ? out : undefined
}

/** Each tag of this name, changed. */
export function changeTags(xml: string, name: string, change: (tag: string) => string): string {
  return xml.replace(new RegExp(`<(?:\\w+:)?${name}${attributes}>`, 'g'), change)
}

/** The value as it is written. */
export function attributeOf(tag: string, name: string): string | undefined {
  const [, double, single] = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag) ?? []
  return double ?? single
}
