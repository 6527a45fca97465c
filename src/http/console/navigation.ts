import type { Operator } from '../../access/index.ts'
import { type Html, html } from '../page/html.ts'
import { foreign } from '../page/parts.ts'
import { readersOfDeliveries, readersOfLog } from './readers.ts'

const places = [
  ['/', 'Overview'],
  ['/recipients', 'Recipients'],
  ['/destinations', 'Destinations'],
  ['/quarantine', 'Quarantine'],
  ['/changes', 'Change requests'],
  ['/policies', 'Policies'],
] as const

/** What not everybody reads. */
const reading = [
  ['/deliveries', 'Deliveries', readersOfDeliveries],
  ['/webhooks', 'Webhooks', readersOfDeliveries],
  ['/audit', 'Audit log', readersOfLog],
] as const

/** Where an operator can go, who they are, and the way out. */
export function navigation({ name, roles }: Operator): Html {
  const theirs = reading.filter(([, , readers]) => readers.some(role => roles.includes(role)))
  return html`<nav aria-label="Pages"><ul>${[...places, ...theirs].map(
    ([path, label]) => html`<li><a href="${path}">${label}</a></li>`,
  )}</ul></nav><form method="post" action="/sign-out"><button class="second">Sign out</button>
<span class="soft">${foreign(name)} (${roles.join(', ')})</span></form>`
}
