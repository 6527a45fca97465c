class Markup {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** A piece of HTML. Only {@link html} makes one, so that no text becomes markup by mistake. */
export type Html = Markup

export type Content = Html | string | number | false | null | undefined | readonly Content[]

/**
 * HTML from a template. Texts that are filled in, wherever they come from, show as the characters they are and do
 * nothing: neither as markup, nor by turning the direction of what stands beside them. `false`, `null` and `undefined`
 * are nothing; a list is its items. Throws where escaping would not protect: as a name in a tag, or as an attribute
 * without quotes.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  let text = strings[0] ?? ''
  values.forEach((value, index) => {
    if (/(?:=|<\/?)\s*$/.test(strings[index] ?? ''))
      throw new TypeError('a value needs quotes around it here')
    text += render(value) + (strings[index + 1] ?? '')
  })
  return new Markup(text)
}

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Markup) return value.toString()
  if (typeof value === 'object') return value.map(render).join('')
  return escapeText(String(value))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** Controls, marks that turn text around, and characters that show nothing: all become U+FFFD, which is seen. */
const treacherous =
  /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu

function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(treacherous, mark => (mark === '\n' || mark === '\t' ? mark : '\ufffd'))
    .replace(/[&<>"'`]/g, mark => entities[mark] ?? '')
}
