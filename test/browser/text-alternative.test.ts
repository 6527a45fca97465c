import chromium from '@sparticuz/chromium'
import fc from 'fast-check'
import { type Browser, chromium as launcher, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { textOf } from '../../src/sealer/inside/html/text-alternative.ts'

let browser: Browser
let page: Page

beforeAll(async () => {
  browser = await launcher.launch({ executablePath: await chromium.executablePath(), args: chromium.args })
  // As mail readers do: no scripts, nothing fetched.
  const context = await browser.newContext({ javaScriptEnabled: false, offline: true })
  page = await context.newPage()
})
afterAll(() => browser.close())

const digits = (text: string): string => text.replace(/\D/g, '')

/** What the browser shows, apart from what it draws itself. */
async function shown(html: string): Promise<string> {
  await page.setContent(html, { waitUntil: 'commit' })
  return digits(await page.evaluate('document.body?.innerText ?? ""'))
}

/** Whether `part` is left when other characters of `whole` are taken away. */
function isWithin(part: string, whole: string): boolean {
  let at = 0
  for (const char of whole) if (char === part[at]) at++
  return at === part.length
}

const marks = fc.constantFrom(
  ...[
    '<b>',
    '</b>',
    '<p>',
    '</p>',
    '<div title="',
    '">',
    "'",
    '"',
    '<',
    '>',
    '</',
    '<!',
    '<!--',
    '-->',
    '--!>',
    '<!-->',
    '<?',
    '/>',
    '=',
    ' ',
    '\n',
    '&',
    '&#',
    ';',
    '&#x3',
    '&nbsp',
    '&amp;',
  ],
  ...[
    '<td>',
    '<tr>',
    '<table>',
    '</table>',
    '<li>',
    '<ol>',
    '<ul>',
    '</ul>',
    '<pre>',
    '</pre>',
    '<a href=x>',
    '</a>',
    '<br>',
    '<hr>',
    '<h1>',
    '</h1>',
    '<font color=',
    '<p a',
    '<p a=',
    '<p a="x"b',
  ],
  ...[
    '<script>',
    '</script>',
    '<style>',
    '</style >',
    '<title>',
    '</title/>',
    '<xmp>',
    '</xmp>',
    '<svg>',
    '</svg>',
    '<text>',
    '<![CDATA[',
    ']]>',
    '<math>',
    '<noscript>',
    '</noscript>',
  ],
)
const html = fc
  .array(
    fc.oneof({ weight: 2, arbitrary: marks }, { weight: 1, arbitrary: fc.stringMatching(/^[0-9]{1,4}$/) }),
    { maxLength: 24 },
  )
  .map(parts => parts.join(''))

test('every digit that a browser shows is in the text, whatever the markup', async () => {
  await fc.assert(
    fc.asyncProperty(html, async markup => {
      const text = digits(Buffer.from(textOf(Buffer.from(markup))).toString())
      const seen = await shown(`<!doctype html><body>${markup}`)
      // What stands in a table, but in no cell, browsers put before it (WHATWG HTML, section 13.2.6.1); here it stays in its place.
      const order = (all: string): string =>
        markup.includes('<table>') ? Array.from(all).toSorted().join('') : all
      expect(isWithin(order(seen), order(text)), `${seen} in ${text}`).toBe(true)
    }),
    { numRuns: 400 },
  )
})

test('the browser shows something, and not everything', async () => {
  expect(await shown('<p title=">1">2</p><script>3</script><table><tr><td>5</td>4')).toBe('245')
})
