import type { Html } from '../page/html.ts'
import { html } from '../page/html.ts'

/** A line of our own text as HTML: what stands between backticks is code. */
export function prose(text: string): readonly Html[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))
}

/** As {@link prose}, a paragraph for each. */
export function paragraphs(text: string): readonly Html[] {
  return text.split('\n\n').map(part => html`<p>${prose(part)}</p>`)
}
