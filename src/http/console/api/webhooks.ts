import type { Request, Router } from 'express'
import { requireRole } from '../../../access/index.ts'
import { isId, SealpostError, type WebhookId } from '../../../kernel/index.ts'
import { listWebhooks, type WebhookSummary } from '../../../webhooks/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { tryWebhook } from '../actions.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'
import { noForm } from '../forms.ts'
import { readJson } from '../read-json.ts'
import { readersOfDeliveries } from '../readers.ts'

export function routeWebhooksApi(api: Router, context: ConsoleContext): void {
  api
    .route('/webhooks')
    .get(async (request, response) => {
      requireRole(await operatorBehind(context, request), ...readersOfDeliveries)
      const webhooks = await listWebhooks(context.knex)
      response.json({ webhooks: webhooks.map(withoutPath) })
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/webhooks/:id/test')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      await readJson(request, noForm)
      await tryWebhook(context, operator, webhookOf(request))
      response.status(202).json({})
    })
    .all(refuseMethod('POST'))
}

/** Path and query can hold a secret of the receiver. */
export function withoutPath({
  url,
  ...rest
}: WebhookSummary): Omit<WebhookSummary, 'url'> & { host: string } {
  return { ...rest, host: new URL(url).host }
}

export function webhookOf({ params: { id } }: Request): WebhookId {
  if (typeof id !== 'string' || !isId('whk', id)) throw new SealpostError('not_found')
  return id
}
