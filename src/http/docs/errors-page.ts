import { faults, recipientProblems } from '../../contract/index.ts'
import { type ErrorCode, errorCatalogue } from '../../kernel/index.ts'
import { type Html, html } from '../page/html.ts'
import type { Page } from '../page/layout.ts'
import { card } from '../page/parts.ts'
import { statuses } from '../problem.ts'
import { prose } from './prose.ts'

/** Every code that can be answered, at `#code`; `documentation` of a problem leads there. */
export function errorsPage(): Page {
  const codes = (Object.keys(errorCatalogue) as ErrorCode[]).filter(code => statuses[code] !== undefined)
  return {
    title: 'Error codes',
    body: html`<p>Errors are problem documents (RFC 9457). Their <code>code</code> is stable and never repeats a value that was
sent; <code>errors</code> names places in the request (RFC 6901). <a href="/docs">HTTP API</a></p>
${codes.map(entry)}
${card(
  'Why a recipient cannot receive a message',
  html`<dl class="facts">${Object.entries(recipientProblems).map(
    ([code, { title, remedy }]) => html`<dt><code>${code}</code></dt><dd>${title} ${remedy}</dd>`,
  )}</dl>`,
)}
${card(
  'What errors say of a place',
  html`<dl class="facts">${Object.entries(faults).map(
    ([code, meaning]) => html`<dt><code>${code}</code></dt><dd>${prose(meaning)}</dd>`,
  )}</dl>`,
)}`,
  }
}

function entry(code: ErrorCode): Html {
  const { title, remedy, temporary } = errorCatalogue[code]
  return html`<section class="card" id="${code}"><h2><code>${code}</code></h2>
<p>${prose(title)} ${prose(remedy)}</p>
<p class="soft">HTTP ${statuses[code]}. ${
    temporary
      ? html`The same request can succeed later: see <code>Retry-After</code>.`
      : 'Repeating the same request is of no use.'
  }</p></section>`
}
