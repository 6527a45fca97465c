import type { Express } from 'express'
import { messageStatus } from '../../intake/index.ts'
import { openEvidenceRate, sendEvidence } from '../evidence.ts'
import type { ApiDependencies } from './dependencies.ts'
import { refuseMethod } from './methods.ts'
import { renderStatus } from './render.ts'

/** What became of an application's messages. */
export function routeStatus(app: Express, dependencies: ApiDependencies): void {
  const { knex, clients } = dependencies
  app
    .route('/v1/messages/:id')
    .get(async (request, response) => {
      const application = await clients.applicationOf(request)
      response.json(renderStatus(await messageStatus(knex, application.id, request.params.id)))
    })
    .all(refuseMethod('GET, HEAD'))

  const evidence = sendEvidence(dependencies, openEvidenceRate(), async request => {
    const { id } = await clients.applicationOf(request)
    return { actor: { kind: 'application', id }, application: id }
  })
  app.route('/v1/messages/:id/evidence').get(evidence).all(refuseMethod('GET'))
}
