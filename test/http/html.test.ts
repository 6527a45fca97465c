import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { html } from '../../src/http/page/html.ts'
import { renderPage } from '../../src/http/page/layout.ts'
import { act, field, foreign } from '../../src/http/page/parts.ts'

describe('a text that is filled in shows as text', () => {
  test.each([
    ['markup', '<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['the end of an attribute', '" onfocus="alert(1)', '&quot; onfocus=&quot;alert(1)'],
    ['a single quote', "' autofocus '", '&#39; autofocus &#39;'],
    ['an entity', '&lt;b&gt;', '&amp;lt;b&amp;gt;'],
    ['text that turns around', 'invoice\u202efdp.exe', 'invoice\ufffdfdp.exe'],
    ['an isolate without end', '\u2066name', '\ufffdname'],
    ['NUL and escape', 'a\u0000b\u001b[31m', 'a\ufffdb\ufffd[31m'],
    ['tags that nobody sees', 'a\u{e0041}\u{e007f}b', 'a\ufffd\ufffdb'],
    ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
    ['a zero-width space', 'a\u200bb', 'a\ufffdb'],
  ])('%s', (_name, given, shown) => {
    expect(html`<p title="${given}">${given}</p>`.toString()).toBe(`<p title="${shown}">${shown}</p>`)
  })

  test('names of the world stay what they are', () => {
    for (const name of ['Zoë & Søn', 'שלום בע״מ', 'بنك القاهرة', '株式会社', 'क्षेत्र', 'می‌خواهم']) {
      expect(foreign(name).toString()).toBe(`<bdi>${name.replace('&', '&amp;')}</bdi>`)
    }
  })

  test('whatever it is, it adds no tag, and no quote to an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const tags = (shown: string) => shown.match(/[<>"]/g)?.length
        expect(tags(html`<a href="/x" title="${text}">${text}</a>`.toString())).toBe(
          tags(html`<a href="/x" title="${''}">${''}</a>`.toString()),
        )
      }),
    )
  })

  test('a list of pieces keeps what is markup and escapes what is text', () => {
    expect(html`<ul>${['<a>', html`<li>b</li>`, false, null, undefined, 3]}</ul>`.toString()).toBe(
      '<ul>&lt;a&gt;<li>b</li>3</ul>',
    )
  })

  test('an object that pretends to be markup is not', () => {
    const fake = { toString: () => '<b>' } as unknown as string
    expect(() => html`${fake}`.toString()).toThrow()
  })
})

describe('where escaping would not help, nothing is filled in', () => {
  test.each([
    ['an attribute without quotes', () => html`<p class=${'x onclick=alert(1)'}>`],
    ['the name of a tag', () => html`<${'script'}>`],
    ['the end of one', () => html`</${'p'}>`],
  ])('%s', (_name, make) => {
    expect(make).toThrow(TypeError)
  })
})

test('a path is filled in behind its slash', () => {
  expect(html`<a href="/x/${'a"b'}/${'c'}">x</a>`.toString()).toBe('<a href="/x/a&quot;b/c">x</a>')
})

test('parts of pages escape what they are given', () => {
  const attack = '"><img src=x>'
  const shown = [
    act(`/x/${attack}`, attack, { hidden: { [attack]: attack } }),
    field(attack, attack, { hint: attack, value: attack }),
  ].join('')
  expect(shown).not.toContain('<img')
  expect(
    renderPage({ organisation: attack, purpose: attack }, { title: attack, body: attack }),
  ).not.toContain('<img')
})
