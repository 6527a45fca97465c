import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { textOf } from '../../src/sealer/inside/html/text-alternative.ts'

const text = (html: string): string => Buffer.from(textOf(Buffer.from(html))).toString()
const digits = (shown: string): string => shown.replace(/\D/g, '')

describe('what is shown', () => {
  test.each([
    ['words with breaks like spaces', '<p>one\n  two</p>', 'one two\n'],
    ['paragraphs apart', '<p>one<p>two', 'one\n\ntwo\n'],
    ['lines', 'one<br>two<div>three</div>four', 'one\ntwo\nthree\nfour\n'],
    ['a number split by markup', '<b>4111</b><i>11</i>11<wbr>1111<!-- x -->1111', '4111111111111111\n'],
    ['groups', '4111&nbsp;1111 <span>1111</span>\n1111', '4111 1111 1111 1111\n'],
    [
      'a link with its address',
      '<a href="https://a.example/?b=1&amp;c=2">here</a>',
      'here <https://a.example/?b=1&c=2>\n',
    ],
    [
      'an address as it is',
      '<a href="http://a.example/?a&copy=2&para;">x</a>',
      'x <http://a.example/?a&copy=2¶>\n',
    ],
    ['what leaves a drawing by itself', '<svg><style><b>5</b></style></svg>', '5\n'],
    ['a link that is its address', '<a href="https://a.example/">a.example</a>', 'a.example\n'],
    ['an address of mail', '<a href=mailto:a@b.example>Ann</a> wrote', 'Ann <a@b.example> wrote\n'],
    ['no address that does something else', '<a href="javascript:alert(1)">x</a><a href=#top>y</a>', 'xy\n'],
    ['lists', '<ul><li>a<li>b</ul><ol start=7><li>c<li value=9>d</ol>', '- a\n- b\n\n7. c\n9. d\n'],
    ['lists in lists', '<ol><li>a<ul><li>b</ul><li>c</ol>', '1. a\n  - b\n2. c\n'],
    [
      'a table by its rows',
      '<table><tr><th>Card<th>Sum<tr><td>5<td>10 &euro;</table>',
      'Card | Sum\n5 | 10 €\n',
    ],
    ['cells of paragraphs', '<table><tr><td><p>a</p></td><td><p>b</p></td></tr></table>', 'a | b\n'],
    ['a layout by tables, as lines', '<table><tr><td><p>a<p>b</td><td>c</td></table>', 'a\n\nb\nc\n'],
    ['what is set by hand', '<pre>a  1\n b  2</pre>', 'a  1\n b  2\n'],
    [
      'fields and descriptions',
      '<input value="4111"><input type=hidden value=9><img alt="logo 7">',
      '4111 logo 7\n',
    ],
    ['a text field', '<textarea>a &lt;b>\n4</textarea>', 'a <b>\n4\n'],
    ['references', '&#52;&#x31;&copy2 &AMP &Omega;&unheard; &#128; &#0;', '41©2 & Ω&unheard; € \ufffd\n'],
    ['what is no tag', '1 < 2 <3 4> <', '1 < 2 <3 4> <\n'],
    ['a drawing', '<svg><style>a{}</style><text>42</text><![CDATA[7]]></svg>', '427\n'],
    ['behind a quote that opens nothing', `<p title=it's>41<p "x>11`, '41\n\n11\n'],
    ['behind all kinds of comments', '<!--><!---><!-- a --!>1<!doctype x>2<?x 9>3</ 9>4<!9>5', '12345\n'],
    ['behind an end tag with attributes', '</p x="9>9">4', '4\n'],
  ])('%s', (_, html, expected) => {
    expect(text(html)).toBe(expected)
  })
})

test.each([
  ['scripts', '<script>if (a<b) "<p>9</p>"</script\n>1'],
  ['styles', '<style>p::after { content: "9" }</STYLE x>1'],
  ['the head', '<head><title>9 <b>9</b></title><meta name=x content=9></head>1'],
  ['comments', '1<!-- 9 > 9 --><!-- 9'],
  ['attributes', '<p title="9>9" data-x=\'9\' x=9>1<a href="#9"></a>'],
  ['a quote that never ends', '1<p class="9>9</p>9'],
  ['a tag that never ends', '1<p class="9 4111'],
])('is not shown: %s', (_, html) => {
  expect(digits(text(html))).toBe('1')
})

test('control characters do not get into the text', () => {
  expect(text('a\u0000b&#7;c\u007fd')).toBe('abcd\n')
})

/** Markup of all kinds with one digit string for each text in it. */
const html = fc.letrec<{ node: [string, string] }>(tie => ({
  node: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.stringMatching(/^[0-9]{1,6}$/).map((shown): [string, string] => [shown, shown]),
    fc.stringMatching(/^[0-9]{1,4}$/).map((shown): [string, string] => [
      Array.from(shown)
        .map(c => `&#${c.charCodeAt(0)}`)
        .join(';') + ';',
      shown,
    ]),
    fc
      .constantFrom(
        '<br>',
        '<!-- 9 -->',
        '&nbsp;',
        ' ',
        '<wbr>',
        '<p>',
        '</div>',
        '<style>9{}</style>',
        '<hr>',
        '< ',
      )
      .map((hidden): [string, string] => [hidden, '']),
    fc
      .tuple(
        fc.constantFrom(
          'p',
          'div',
          'b',
          'span',
          'td',
          'tr',
          'table',
          'ul',
          'pre',
          'a href="https://x.example"',
          'svg',
          'h1 title="9>"',
          'font color=red',
        ),
        fc.array(tie('node'), { maxLength: 5 }),
      )
      .map(([tag, inside]): [string, string] => [
        `<${tag}>${inside.map(([markup]) => markup).join('')}</${tag.replace(/ .*/, '')}>`,
        inside.map(([, shown]) => shown).join(''),
      ]),
  ),
})).node

test('every digit is shown, in order, whatever the markup around it', () => {
  fc.assert(
    fc.property(html, ([markup, shown]) => {
      expect(digits(text(markup))).toBe(shown)
    }),
    { numRuns: 400 },
  )
})

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '</',
      '<!--',
      '-->',
      '<![CDATA[',
      '"',
      "'",
      '=',
      '/',
      '&',
      '&#',
      ';',
      '<a href="',
      '<script>',
      '</script>',
    ),
    fc.constantFrom(
      '<table>',
      '<td>',
      '<tr>',
      '</table>',
      '<ul>',
      '<li>',
      '<ol start=-9>',
      '</ul>',
      '<pre>',
      '<svg>',
      '<textarea>',
      '<plaintext>',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  ),
  { maxLength: 60 },
)

test('any bytes and any rubbish of markup become a text', () => {
  const check = (bytes: Uint8Array): void => {
    const shown = Buffer.from(textOf(bytes)).toString()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
    expect(/[\u0000-\u0008\u000b\u000e-\u001f\u007f]/.test(shown)).toBe(false)
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), check), { numRuns: 300 })
  fc.assert(
    fc.property(pieces, parts => check(Buffer.from(parts.join('')))),
    { numRuns: 600 },
  )
})

test.each([
  ['tag', '<'],
  ['link', '<a href=http://x>y'],
  ['list', '<ul><li>x'],
  ['item', '<ol><li>'],
  ['comment', '<!--'],
  ['reference', '&nbsp'],
  ['attribute', '<a b="'],
  ['attribute and space', '<a b = '],
  ['drawing', '<svg><style>'],
  ['character data', '<svg><![CDATA['],
  ['raw', '<textarea>'],
  ['title', '<title>'],
  ['cell', '<td>x'],
  ['space', ' \n'],
  ['slash', '<a /'],
])('time and text are in proportion to the length: %s', (_, piece) => {
  const cost = (length: number): number => {
    const bytes = Buffer.from(piece.repeat(length / piece.length))
    const { user } = process.cpuUsage()
    const shown = textOf(bytes)
    expect(shown.length).toBeLessThan(length * 20 + 100)
    return process.cpuUsage({ user, system: 0 }).user
  }
  cost(20_000)
  // Linear is 8; quadratic is 64.
  expect(cost(400_000) / Math.max(cost(50_000), 10_000)).toBeLessThan(32)
})
