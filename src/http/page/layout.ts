import { type Content, type Html, html } from './html.ts'
import { style } from './style.ts'

/** Whose pages they are. */
export interface Site {
  /** Our name, as SEALPOST_ORGANISATION has it. */
  readonly organisation: string
  /** What the pages are for, in two or three words. */
  readonly purpose: string
  /** Where those who know their way go on from an error. */
  readonly home?: `/${string}`
  /** Lists that need room, instead of a column of text. */
  readonly wide?: boolean
  /** What stands at the end of each page. */
  readonly foot?: string
}

export interface Page {
  /** Of the window, and the one heading of the first level. */
  readonly title: string
  readonly body: Content
  /** What stands in the header beside our name. */
  readonly nav?: Html | undefined
}

/** A whole document. Needs no script, no picture and nothing from another address. */
export function renderPage(
  {
    organisation,
    purpose,
    wide,
    foot = 'These pages need no script and set one cookie, for your session only.',
  }: Site,
  { title, body, nav }: Page,
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${organisation}</title>
${stylesheet}
</head>
<body class="${wide === true ? 'wide' : ''}">
<header class="site"><div><span class="brand"><bdi>${organisation}</bdi>
<span class="soft">${purpose}</span></span>${nav}</div></header>
<main>
<h1>${title}</h1>
${body}
</main>
<footer class="foot">${foot}</footer>
</body>
</html>
`.toString()
}

// Fixed text of ours; a template tag sees it as markup only when it is static.
const stylesheet = html([`<style>${style}</style>`] as unknown as TemplateStringsArray)
