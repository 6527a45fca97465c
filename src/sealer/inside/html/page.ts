import { decodeReferences } from './references.ts'

/** Elements with an empty line around them, and elements that merely begin a line. */
const apart = new Set('p h1 h2 h3 h4 h5 h6 blockquote pre figure dl xmp listing'.split(' '))
const lines = new Set(
  'div section article header footer main nav aside address form fieldset legend dt dd caption figcaption center option optgroup details summary dialog hgroup search tbody thead tfoot body html head hr br textarea plaintext'.split(
    ' ',
  ),
)
const shownAddress = /^(?:https?|mailto|tel|ftp|sips?):/i
const longestAddress = 2_048
const deepest = 8

/** A text that grows by what is shown, in the order it is shown: lines, list items, rows of cells. */
export class Page {
  readonly #out: string[] = []
  /** Line ends, a space or a cell's border that stand before what comes next, once something comes. */
  #gap = 0
  #space = false
  #border = false
  #marker = ''
  /** Open lists: the number of their last item, or undefined for bullets. Those beyond {@link deepest} are only counted. */
  readonly #lists: (number | undefined)[] = []
  #deeper = 0
  #preformatted = 0
  #row: 'empty' | 'begun' | 'broken' = 'empty'
  #freshCell = false
  #link: { readonly address: string; readonly from: number } | undefined

  text(text: string): void {
    if (this.#preformatted > 0) {
      this.verbatim(text)
      return
    }
    // Most texts have single spaces; to ask is quicker than to replace.
    const own = clean(text)
    const words = /[\t\n\f\r\u00a0]|  /.test(own) ? own.replace(/[ \t\n\f\r\u00a0]+/g, ' ') : own
    if (words === ' ' || words === '') {
      this.#space ||= words === ' '
      return
    }
    if (words.startsWith(' ')) this.#space = true
    const ended = words.endsWith(' ')
    this.#write(words.slice(words.startsWith(' ') ? 1 : 0, ended ? -1 : undefined))
    this.#space = ended
  }

  /** With its own spaces and line ends. */
  verbatim(text: string): void {
    const own = clean(text).replace(/\r\n?/g, '\n')
    if (own === '') return
    this.#write(own)
  }

  open(name: string, attributes: ReadonlyMap<string, string>): void {
    if (name === 'br') this.#gap = Math.min(this.#gap + 1, 2)
    else if (name === 'hr') {
      this.#line(1)
      this.#write('----------')
      this.#line(1)
    } else if (name === 'a') {
      this.#endLink()
      const address = addressOf(attributes.get('href'))
      if (address !== undefined) this.#link = { address, from: this.#out.length }
    } else if (name === 'img' || name === 'area') this.text(valueOf(attributes, 'alt'))
    else if (name === 'input') {
      const type = attributes.get('type')?.toLowerCase()
      if (type !== 'hidden') this.text(` ${valueOf(attributes, type === 'image' ? 'alt' : 'value')} `)
    } else if (name === 'ul' || name === 'ol' || name === 'menu' || name === 'dir')
      this.#openList(name, attributes)
    else if (name === 'li') this.#item(attributes)
    else if (name === 'tr' || name === 'table') this.#newRow()
    else if (name === 'td' || name === 'th') this.#cell()
    else {
      if (name === 'pre' || name === 'listing') this.#preformatted++
      this.#block(name)
    }
  }

  close(name: string): void {
    if (name === 'a') this.#endLink()
    // Browsers read these two as what they look like (WHATWG HTML, section 13.2.6.4.7).
    else if (name === 'br') this.#gap = Math.min(this.#gap + 1, 2)
    else if (name === 'ul' || name === 'ol' || name === 'menu' || name === 'dir') {
      if (this.#deeper > 0) this.#deeper--
      else this.#lists.pop()
      this.#line(this.#lists.length === 0 ? 2 : 1)
    } else if (name === 'li') this.#line(1)
    else if (name === 'tr' || name === 'table') this.#newRow()
    else if (name !== 'hr') {
      if ((name === 'pre' || name === 'listing') && this.#preformatted > 0) this.#preformatted--
      this.#block(name)
    }
  }

  /** The whole text; nothing may be added any more. */
  end(): string {
    this.#endLink()
    const text = this.#out.join('')
    return text === '' || text.endsWith('\n') ? text : `${text}\n`
  }

  #block(name: string): void {
    if (apart.has(name)) this.#line(2)
    else if (lines.has(name)) this.#line(1)
  }

  #line(gap: number): void {
    // The first paragraph of a cell begins no line of its own: office programs put one into each.
    if (!this.#freshCell) this.#gap = Math.max(this.#gap, gap)
  }

  #newRow(): void {
    this.#freshCell = false
    this.#border = false
    this.#row = 'empty'
    this.#line(1)
  }

  #cell(): void {
    if (this.#row === 'begun') {
      this.#gap = 0
      this.#border = true
    } else this.#line(1)
    this.#freshCell = true
  }

  #openList(name: string, attributes: ReadonlyMap<string, string>): void {
    this.#line(this.#lists.length === 0 ? 2 : 1)
    if (this.#lists.length >= deepest) this.#deeper++
    else this.#lists.push(name === 'ol' ? numberOf(attributes.get('start'), 1) - 1 : undefined)
  }

  #item(attributes: ReadonlyMap<string, string>): void {
    this.#line(1)
    const last = this.#lists.at(-1)
    if (last === undefined) this.#marker = '- '
    else {
      const number = numberOf(attributes.get('value'), last + 1)
      this.#lists[this.#lists.length - 1] = number
      this.#marker = `${number}. `
    }
  }

  #endLink(): void {
    const link = this.#link
    this.#link = undefined
    if (link === undefined) return
    const shown = this.#out.slice(link.from).join('').trim()
    const bare = (text: string): string =>
      text.replace(/^(?:https?:\/\/|mailto:|tel:)/i, '').replace(/\/$/, '')
    if (bare(shown) === bare(link.address)) return
    this.text(
      ` <${bare(link.address) === link.address ? link.address : link.address.replace(/^mailto:/i, '')}> `,
    )
  }

  #write(text: string): void {
    if (this.#out.length === 0) this.#gap = 0
    const begins = this.#gap > 0 || this.#out.length === 0
    if (this.#gap > 0) {
      this.#out.push('\n'.repeat(this.#gap))
      if (this.#row === 'begun') this.#row = 'broken'
    } else if (this.#border) this.#out.push(' | ')
    else if (this.#space && !begins && this.#out.at(-1)?.endsWith('\n') !== true) this.#out.push(' ')
    if (this.#marker !== '')
      this.#out.push('  '.repeat(this.#lists.length - 1 > 0 ? this.#lists.length - 1 : 0), this.#marker)
    else if (begins && this.#lists.length > 0) this.#out.push('  '.repeat(this.#lists.length))
    this.#out.push(text)
    this.#gap = 0
    this.#space = this.#border = this.#freshCell = false
    this.#marker = ''
    if (this.#row === 'empty') this.#row = 'begun'
  }
}

/** Without control characters, which no browser shows; NUL is no text at all. */
const clean = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
  text.replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f]/g, '')

const valueOf = (attributes: ReadonlyMap<string, string>, name: string): string =>
  decodeReferences(attributes.get(name) ?? '', 'attribute')

function addressOf(href: string | undefined): string | undefined {
  if (href === undefined || href.length > longestAddress) return undefined
  const address = clean(decodeReferences(href, 'attribute')).replace(/\s/g, '')
  return shownAddress.test(address) ? address : undefined
}

function numberOf(text: string | undefined, otherwise: number): number {
  const number = /^\s*([+-]?\d{1,9})/.exec(text ?? '')?.[1]
  return number === undefined ? otherwise : Number(number)
}
