import type { Operator } from '../../access/index.ts'
import { type Html, html } from '../page/html.ts'
import { foreign } from '../page/parts.ts'

const places = [
  ['/', 'Overview'],
  ['/recipients', 'Recipients'],
  ['/destinations', 'Destinations'],
  ['/quarantine', 'Quarantine'],
  ['/changes', 'Change requests'],
  ['/policies', 'Policies'],
] as const

/** Where an operator can go, who they are, and the way out. */
export function navigation({ name, roles }: Operator): Html {
  return html`<nav aria-label="Pages"><ul>${places.map(
    ([path, label]) => html`<li><a href="${path}">${label}</a></li>`,
  )}</ul></nav><form method="post" action="/sign-out"><button class="second">Sign out</button>
<span class="soft">${foreign(name)} (${roles.join(', ')})</span></form>`
}
