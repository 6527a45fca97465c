/** Elements that a reader does not see: what stands on both sides of them is one word. */
const inline = new Set(
  'a abbr b bdi bdo big cite code del dfn em font i ins kbd mark nobr q r rpr s samp small span strike strong sub sup t tt u var wbr x:r x:rpr x:t'.split(
    ' ',
  ),
)
/** Of office documents, what begins another line or cell; all else within a paragraph is style. */
const officeBreak = /^[wa]:(?:p|tc|tr|br|cr|tab|tbl|txbody|sectpr)$/
const cell = new Set(['td', 'th', 'c', 'cell', 'w:tc', 'a:tc'])

/**
 * The text of HTML or XML as a reader sees it: inline elements and comments join, cells are tabs, other elements are line
 * ends. Works on Latin-1 of the bytes; linear, and never fails: what is no tag stays.
 */
export function stripMarkup(text: string): string {
  let out = ''
  let at = 0
  for (;;) {
    const open = text.indexOf('<', at)
    if (open < 0) return out + text.slice(at)
    out += text.slice(at, open)
    if (text.startsWith('<!--', open)) {
      const close = text.indexOf('-->', open + 4)
      if (close < 0) return out
      at = close + 3
      continue
    }
    if (!/[A-Za-z/!?]/.test(text[open + 1] ?? '')) {
      out += '<'
      at = open + 1
      continue
    }
    const close = text.indexOf('>', open)
    if (close < 0) return out + text.slice(open)
    const [, end, word = ''] = /^(\/?)([A-Za-z][\w:-]{0,20})/.exec(text.slice(open + 1, open + 24)) ?? []
    const name = word.toLowerCase()
    if (cell.has(name)) out += end === '/' ? '' : '\t'
    else if (/^[wa]:/.test(name) ? officeBreak.test(name) : !inline.has(name)) out += '\n'
    at = close + 1
  }
}

const named: Readonly<Record<string, string>> = {
  nbsp: ' ',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
  numsp: ' ',
  puncsp: ' ',
  hairsp: ' ',
  tab: '\t',
  newline: '\n',
  zwj: '',
  zwnj: '',
  shy: '',
  dash: '-',
  hyphen: '-',
  ndash: '-',
  mdash: '-',
  minus: '-',
  period: '.',
  middot: '.',
  sol: '/',
  lowbar: '_',
  colon: ':',
  equals: '=',
  hat: '^',
  percnt: '%',
  semi: ';',
  amp: '&',
  quot: '"',
  apos: "'",
  lt: '<',
  gt: '>',
}

/** Character references of HTML and XML, decoded where they are digits or may stand between digits. Latin-1 of UTF-8. */
export function decodeReferences(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z]{2,7}));?/g,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return named[String(name).toLowerCase()] ?? whole
      const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal)
      if (code < 128) return String.fromCharCode(code)
      return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
        ? whole
        : Buffer.from(String.fromCodePoint(code), 'utf8').toString('latin1')
    },
  )
}
