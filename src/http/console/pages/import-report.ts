import type { ImportReport } from '../../../recipients/index.ts'
import { type Html, html } from '../../page/html.ts'
import { card, say } from '../../page/parts.ts'
import { withoutRule } from './destination-words.ts'

/** Line by line what was refused, and how many were invited. Codes and names of columns only: never what a line said. */
export function importReport({ invited, refused, lines }: ImportReport, domains: readonly string[]): Html {
  const wrong = lines.filter(({ code }) => code !== 'ok')
  return html`${say(
    refused === 0 ? 'good' : 'warn',
    html`<p><strong>${invited} invited, ${refused} refused.</strong></p>`,
  )}
${
  wrong.length > 0 &&
  card(
    'Lines to correct',
    html`<ul class="list">${wrong.map(
      ({ line, code, errors }) =>
        html`<li>Line ${line}: <code>${code}</code>${errors.map(
          error => html`<br><span class="soft">${error.column}: ${error.code}</span>`,
        )}</li>`,
    )}</ul>`,
  )
}
${domains.length > 0 && withoutRule(domains)}
<p><a href="/recipients/import">Another file</a> · <a href="/recipients">All recipients</a></p>`
}
