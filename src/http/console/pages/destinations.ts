import type { Request, Router } from 'express'
import {
  type DestinationSummary,
  destinationPage,
  domainsWithoutRule,
  serversOf,
} from '../../../delivery/index.ts'
import { SealpostError } from '../../../kernel/index.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { field, foreign } from '../../page/parts.ts'
import { destinationQuery } from '../api/destinations.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { isDomain } from '../forms.ts'
import { present, readQuery } from '../query.ts'
import { attemptLine, withoutRule } from './destination-words.ts'
import { older } from './older.ts'

/** The list of destinations, and the way to one that has no rule yet. */
export function routeDestinationPages(router: Router, context: ConsoleContext): void {
  const { knex, site } = context

  router
    .route('/destinations')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const query = readQuery(request, destinationQuery)
      const [destinations, missing] = await Promise.all([
        destinationPage(knex, present(query)),
        domainsWithoutRule(knex, 50),
      ])
      const last = destinations.length === query.limit ? destinations.at(-1)?.domain : undefined
      const body = html`<p>Nothing is sent to a domain without a rule. A rule says which mail servers are the domain’s, and
how each of them proves that it is one.</p>
${missing.length > 0 && withoutRule(missing)}
${filter(request)}
<div class="card"><ul class="list">${destinations.map(line)}</ul>${
        destinations.length === 0 && html`<p class="soft">None fits.</p>`
      }</div>
${older('/destinations', request, last)}
<form class="card" method="get" action="/destinations/find">${field('domain', 'Look at a domain, or give it a rule', { hint: 'What stands behind the @ of the addresses, such as acquirer.example.', size: 253 })}
<button class="second">Open</button></form>`
      sendPage(response, site, forOperator(operator, { title: 'Destinations', body }))
    })
    .all(refuseMethod('GET, HEAD'))

  router
    .route('/destinations/find')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      const asked = new URL(request.url, 'https://console.invalid').searchParams.get('domain') ?? ''
      const domain = asked.trim().toLowerCase()
      if (!isDomain(domain)) {
        throw new SealpostError('invalid_request', { errors: [{ pointer: '/domain', code: 'malformed' }] })
      }
      goTo(response, `/destinations/${domain}`)
    })
    .all(refuseMethod('GET, HEAD'))
}

function line({ domain, rule, last, lastDelivered }: DestinationSummary): Html {
  return html`<li><a href="/destinations/${domain}">${foreign(domain)}</a> · ${rule.mode}
<br><span class="soft">to ${foreign(serversOf(rule))}${
    last === null ? ', never tried' : html`<br>${attemptLine('Last attempt', last)}`
  }${last !== null && last.outcome !== 'delivered' && html`<br>${attemptLine('Last delivered', lastDelivered)}`}</span></li>`
}

const modes = ['', 'auto', 'pinned', 'secure'] as const

function filter(request: Request): Content {
  const query = new URL(request.url, 'https://console.invalid').searchParams
  const option = (mode: string) =>
    html`<option value="${mode}"${
      query.get('mode') === mode &&
      html`
selected`
    }>${mode === '' ? 'all' : mode}</option>`
  return html`<form class="card" method="get" action="/destinations" role="search"><div class="pair">
${field('q', 'Domain begins with', { type: 'search', required: false, value: query.get('q') ?? '' })}
<div class="field"><label for="mode">Rule</label>
<select id="mode" name="mode">${modes.map(option)}</select></div>
</div><button class="second">Show</button></form>`
}
