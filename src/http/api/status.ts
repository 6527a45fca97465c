import type { Express } from 'express'
import { cancelMessage, messageStatus } from '../../intake/index.ts'
import { openEvidenceRate, sendEvidence } from '../evidence.ts'
import type { ApiDependencies } from './dependencies.ts'
import { refuseMethod } from './methods.ts'
import { renderStatus } from './render.ts'

/** What became of an application's messages. */
export function routeStatus(app: Express, dependencies: ApiDependencies): void {
  const { knex, clock, clients, log } = dependencies
  app
    .route('/v1/messages/:id')
    .get(async (request, response) => {
      const application = await clients.applicationOf(request)
      response.json(renderStatus(await messageStatus(knex, application.id, request.params.id)))
    })
    .all(refuseMethod('GET, HEAD'))

  app
    .route('/v1/messages/:id/cancel')
    .post(async (request, response) => {
      const application = await clients.applicationOf(request)
      const message = await cancelMessage(knex, clock, application.id, request.params.id)
      log.info('message-cancelled', { message: message.id, application: application.id })
      response.json(renderStatus(message))
    })
    .all(refuseMethod('POST'))

  const evidence = sendEvidence(dependencies, openEvidenceRate(), async request => {
    const { id } = await clients.applicationOf(request)
    return { actor: { kind: 'application', id }, application: id }
  })
  app.route('/v1/messages/:id/evidence').get(evidence).all(refuseMethod('GET'))
}
