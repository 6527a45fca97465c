import type { Router } from 'express'
import { z } from 'zod'
import { listQuarantined } from '../../../delivery/index.ts'
import { type DeliveryId, isId } from '../../../kernel/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { decideOnDelivery } from '../actions.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'
import { noForm } from '../forms.ts'
import { deliveryOf, limit, present, readQuery } from '../query.ts'
import { readJson } from '../read-json.ts'

export const quarantineQuery = z.strictObject({
  limit,
  after: z.custom<DeliveryId>(value => typeof value === 'string' && isId('dlv', value)).optional(),
})

export function routeQuarantineApi(api: Router, context: ConsoleContext): void {
  const { knex } = context

  api
    .route('/quarantine')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      const query = readQuery(request, quarantineQuery)
      const deliveries = await listQuarantined(knex, present(query))
      const next = deliveries.length === query.limit ? (deliveries.at(-1)?.id ?? null) : null
      response.json({ deliveries, next })
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/quarantine/:id/release')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      await readJson(request, noForm)
      response.json(await decideOnDelivery(context, operator, 'release', deliveryOf(request)))
    })
    .all(refuseMethod('POST'))

  api
    .route('/quarantine/:id/cancel')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      await readJson(request, noForm)
      response.json(await decideOnDelivery(context, operator, 'cancel', deliveryOf(request)))
    })
    .all(refuseMethod('POST'))
}
