import type { Router } from 'express'
import { type Operator, requireRole } from '../../../access/index.ts'
import { listWebhooks, type WebhookSummary } from '../../../webhooks/index.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Html, html } from '../../page/html.ts'
import { act, foreign, moment } from '../../page/parts.ts'
import { tryWebhook } from '../actions.ts'
import { webhookOf, withoutPath } from '../api/webhooks.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { readersOfDeliveries } from '../readers.ts'

/** Where applications are told what becomes of their messages, how that goes, and a button to try it. */
export function routeWebhookPages(router: Router, context: ConsoleContext): void {
  const { knex, site } = context

  router
    .route('/webhooks')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      requireRole(operator, ...readersOfDeliveries)
      const webhooks = await listWebhooks(knex)
      const body = html`<p>Applications are told there what becomes of their messages: by HTTPS, signed, and again until it
was taken. Webhooks are added on the host, with <code>sealpost webhook add</code>.</p>
<div class="card"><ul class="list">${webhooks.map(webhook => line(webhook, operator))}</ul>${
        webhooks.length === 0 && html`<p class="soft">There is none.</p>`
      }</div>`
      sendPage(response, site, forOperator(operator, { title: 'Webhooks', body }))
    })
    .all(refuseMethod('GET, HEAD'))

  router
    .route('/webhooks/:id/test')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      await tryWebhook(context, operator, webhookOf(request))
      goTo(response, '/webhooks')
    })
    .all(refuseMethod('POST'))
}

function line(webhook: WebhookSummary, operator: Operator): Html {
  const { id, name, createdAt, waiting } = webhook
  const { host } = withoutPath(webhook)
  return html`<li>${foreign(name)} at ${foreign(host)} · ${standing(webhook)}
<br><span class="soft">${lastCall(webhook)}; ${waiting === 1 ? '1 call waits' : `${String(waiting)} calls wait`}
<br>${id}, added ${moment(createdAt)}</span>${
    operator.roles.includes('admin') &&
    html`<div class="acts">${act(`/webhooks/${id}/test`, 'Test it', { look: 'second' })}</div>`
  }</li>`
}

function standing({ disabledAt, failingSince }: WebhookSummary): Html {
  if (disabledAt !== null)
    return html`disabled ${moment(disabledAt)}; <code>sealpost webhook enable</code> calls it again`
  return failingSince === null ? html`in force` : html`failing since ${moment(failingSince)}`
}

function lastCall({ calledAt, lastStatus, lastFailure }: WebhookSummary): Html {
  if (calledAt === null) return html`never called`
  return html`last called ${moment(calledAt)}: ${
    lastFailure === null ? html`answered ${String(lastStatus)}` : html`<code>${lastFailure}</code>`
  }`
}
