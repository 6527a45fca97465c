import type { ErrorCode } from '../../kernel/index.ts'
import { html } from './html.ts'
import { renderPage, type Site } from './layout.ts'
import { say } from './parts.ts'

/** Where a better word exists than the catalogue's, which speaks to programs. */
const words: Partial<Record<ErrorCode, { readonly title: string; readonly remedy: string }>> = {
  not_found: {
    title: 'There is no page here',
    remedy: 'Open the link from your mail again; copy the whole of it if it was broken into lines.',
  },
  link_invalid: {
    title: 'This link does not work any more',
    remedy:
      'It was used already, has expired, or was replaced by a newer one. Look for a newer mail from us, or ask the person who invited you for another link.',
  },
  body_too_large: {
    title: 'That file is too large',
    remedy: 'A public key is a small file, at most 64 KiB. Export only your public key and upload that.',
  },
  too_many_requests: {
    title: 'Please wait a little',
    remedy: 'That was tried too often. Try again in a few minutes.',
  },
  state_conflict: {
    title: 'This step is not open now',
    remedy:
      'Something else happened in the meantime, or the form was sent twice. Go back, look how things stand, then decide again.',
  },
  cross_site_refused: {
    title: 'This did not come from our pages',
    remedy: 'Open the link from your mail again, and use the buttons of the page that appears.',
  },
  invalid_request: {
    title: 'Something in the form is not right',
    remedy: 'Go back, correct what is named here, and send it again.',
  },
  request_refused: { title: 'The form could not be read', remedy: 'Go back, reload the page and try again.' },
}

interface Problem {
  readonly code: ErrorCode
  readonly title: string
  readonly remedy: string
  readonly instance: string
  readonly errors: readonly { readonly pointer: string; readonly code: string }[]
}

/** An error for people: what happened, what to do, and what to quote when asking for help. */
export function renderProblem(site: Site, { code, title, remedy, instance, errors }: Problem): string {
  const said = words[code] ?? { title: title.replace(/\.$/, ''), remedy }
  return renderPage(site, {
    title: said.title,
    body: html`${say(
      'warn',
      html`<p>${said.remedy}</p>${
        errors.length > 0 &&
        html`<ul>${errors.map(
          ({ pointer, code: fault }) => html`<li><strong>${pointer.slice(1).replaceAll('/', ' ')}</strong>:
${fault.replaceAll('_', ' ')}</li>`,
        )}</ul>`
      }`,
    )}
<p class="soft">If you ask for help, quote <code>${code}</code> and <code>${instance}</code>.</p>
${site.home !== undefined && html`<p><a href="${site.home}">Overview</a></p>`}`,
  })
}
