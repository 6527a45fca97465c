import type { Request, Router } from 'express'
import { deliveryStates, type FoundDelivery, readDeliveries, readDelivery } from '../../../review/index.ts'
import { refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Html, html } from '../../page/html.ts'
import { field, foreign } from '../../page/parts.ts'
import { type ConsoleContext, forOperator } from '../dependencies.ts'
import { deliveryOf, present } from '../query.ts'
import { readersOfDeliveries } from '../readers.ts'
import { readerBehind } from '../reading.ts'
import { afterOf, deliveryQuery } from '../search-forms.ts'
import { deliveryPage } from './delivery.ts'
import { older } from './older.ts'
import { exactly, files, nothing, readSearch, select, sent, stand, times } from './search-parts.ts'

const pageQuery = deliveryQuery.omit({ format: true })

/** All deliveries: a search, and each with its attempts. */
export function routeDeliveryPages(router: Router, context: ConsoleContext): void {
  const { site } = context

  router
    .route('/deliveries')
    .get(async (request, response) => {
      const { operator, reader } = await readerBehind(context, request, ...readersOfDeliveries)
      const { limit, after, ...asked } = readSearch(request, pageQuery)
      const filter = present(asked)
      const { deliveries, next, log } = await readDeliveries(reader, filter, { limit, after })
      const body = html`${form(request)}
<div class="card"><ul class="list">${deliveries.map(line)}</ul>${
        deliveries.length === 0 && nothing(next !== undefined)
      }</div>
${older('/deliveries', request, afterOf(next))}
${files('/v1/deliveries', filter)}
${stand(log)}`
      sendPage(response, site, forOperator(operator, { title: 'Deliveries', body }))
    })
    .all(refuseMethod('GET, HEAD'))

  router
    .route('/deliveries/:id')
    .get(async (request, response) => {
      const { operator, reader } = await readerBehind(context, request, ...readersOfDeliveries)
      const body = deliveryPage(await readDelivery(reader, deliveryOf(request)), operator)
      sendPage(response, site, forOperator(operator, { title: 'Delivery', body }))
    })
    .all(refuseMethod('GET, HEAD'))
}

function line({ id, address, state, outcome, applicationName, acceptedAt }: FoundDelivery): Html {
  return html`<li><a href="/deliveries/${id}">To ${foreign(address)}</a> · ${state}${
    outcome !== null && outcome !== state && html` · <code>${outcome}</code>`
  }
<br><span class="soft">from ${foreign(applicationName)}, accepted ${exactly(acceptedAt)}</span></li>`
}

function form(request: Request): Html {
  const value = sent(request)
  return html`<form class="card" method="get" action="/deliveries" role="search">
${field('about', 'About', {
  type: 'search',
  required: false,
  value: value('about'),
  size: 400,
  hint: 'The id of a recipient, an application or a message, a fingerprint, or a domain; several with spaces between, and all of them must hold.',
})}
<div class="pair">
${times(value)}
${select('state', 'State', value('state'), deliveryStates)}
${field('outcome', 'Outcome of an attempt, or of the end', { required: false, value: value('outcome'), size: 64 })}
</div><button class="second">Search</button></form>`
}
