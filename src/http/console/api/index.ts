import { Router } from 'express'
import { SealpostError } from '../../../kernel/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'
import { routeAuditApi } from './audit.ts'
import { routeChangesApi } from './changes.ts'
import { routeDeliveriesApi } from './deliveries.ts'
import { routeDestinationsApi } from './destinations.ts'
import { routeEvidenceApi } from './evidence.ts'
import { routeKeysApi } from './keys.ts'
import { routePoliciesApi } from './policies.ts'
import { routeQuarantineApi } from './quarantine.ts'
import { routeRecipientsApi } from './recipients.ts'
import { routeWebhooksApi } from './webhooks.ts'

/** `/v1`: the same doors as the pages, as JSON. Every request is under the session of its cookie. */
export function createOperatorApi(context: ConsoleContext): Router {
  const api = Router({ caseSensitive: true })
  api
    .route('/operators/me')
    .get(async (request, response) => {
      const { id, name, address, roles } = await operatorBehind(context, request)
      response.json({ id, name, address, roles })
    })
    .all(refuseMethod('GET, HEAD'))
  routeRecipientsApi(api, context)
  routeKeysApi(api, context)
  routePoliciesApi(api, context)
  routeDestinationsApi(api, context)
  routeQuarantineApi(api, context)
  routeChangesApi(api, context)
  routeAuditApi(api, context)
  routeDeliveriesApi(api, context)
  routeEvidenceApi(api, context)
  routeWebhooksApi(api, context)
  api.use(() => {
    throw new SealpostError('not_found')
  })
  return api
}
