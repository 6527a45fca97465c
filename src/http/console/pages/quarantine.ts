import type { Router } from 'express'
import type { Operator } from '../../../access/index.ts'
import { listQuarantined, type QuarantinedDelivery } from '../../../delivery/index.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Html, html } from '../../page/html.ts'
import { act, foreign, moment } from '../../page/parts.ts'
import { decideOnDelivery } from '../actions.ts'
import { quarantineQuery } from '../api/quarantine.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { deliveryOf, present, readQuery } from '../query.ts'
import { older } from './older.ts'

/** Deliveries that broke off so often that a person decides on them. */
export function routeQuarantinePages(router: Router, context: ConsoleContext): void {
  const { knex, site } = context

  router
    .route('/quarantine')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const query = readQuery(request, quarantineQuery)
      const deliveries = await listQuarantined(knex, present(query))
      const last = deliveries.length === query.limit ? deliveries.at(-1)?.id : undefined
      const body = html`<p>Each attempt to send one of these broke something, here or in the mail server, several times
in a row. They are kept, encrypted as they are, and not tried any more, until somebody decides or their time is over.</p>
<div class="card"><ul class="list">${deliveries.map(delivery => line(delivery, operator))}</ul>${
        deliveries.length === 0 && html`<p class="soft">Nothing is in quarantine.</p>`
      }</div>
${older('/quarantine', request, last)}`
      sendPage(response, site, forOperator(operator, { title: 'Quarantine', body }))
    })
    .all(refuseMethod('GET, HEAD'))

  for (const decision of ['release', 'cancel'] as const) {
    router
      .route(`/quarantine/:id/${decision}`)
      .post(async (request, response) => {
        const operator = await operatorBehind(context, request)
        await decideOnDelivery(context, operator, decision, deliveryOf(request))
        goTo(response, '/quarantine')
      })
      .all(refuseMethod('POST'))
  }
}

function line(delivery: QuarantinedDelivery, operator: Operator): Html {
  const { id, recipient, outcome, attempts, quarantinedAt, giveUpAt } = delivery
  return html`<li>To ${foreign(recipient)} · <code>${outcome}</code> after ${String(attempts)} attempts
<br><span class="soft">${id}, since ${moment(quarantinedAt)}; given up at ${moment(giveUpAt)}</span>${
    operator.roles.includes('admin') &&
    html`<div class="acts">${act(`/quarantine/${id}/release`, 'Send it again', { look: 'second' })}
${act(`/quarantine/${id}/cancel`, 'Cancel it', { look: 'danger' })}</div>`
  }</li>`
}
