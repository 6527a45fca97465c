import express, { type Express, type Request } from 'express'
import type { Actor } from '../../audit/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { refuse } from '../refuse.ts'
import { requireCardFreeHead } from './card-free-head.ts'
import { routeCheck } from './check.ts'
import type { ApiDependencies } from './dependencies.ts'
import { routeDescription } from './docs.ts'
import { limitRate } from './limits/rate.ts'
import { routeList } from './list/route.ts'
import { routeMessages } from './messages.ts'
import { routeStatus } from './status.ts'
import { routeUpdates } from './updates.ts'

/** The HTTP API for applications. Every request is answered under the identity that its connection proved. */
export function createApi(dependencies: ApiDependencies): Express {
  const { clients, stopping } = dependencies
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  // One path for one thing, as the document has it: what proxies and logs know of a path holds.
  app.set('case sensitive routing', true)
  app.set('strict routing', true)

  app.use((_request, response, next) => {
    response.set({
      'Cache-Control': 'no-store',
      'Strict-Transport-Security': 'max-age=63072000',
      'X-Content-Type-Options': 'nosniff',
    })
    if (stopping.aborted) {
      response.set('Connection', 'close')
      throw new SealpostError('stopping')
    }
    next()
  })
  app.use(requireCardFreeHead)
  app.use('/v1', limitRate(clients))

  routeList(app, dependencies)
  routeMessages(app, dependencies)
  // Before `/v1/messages/:id`, whose id it would be.
  routeCheck(app, dependencies)
  routeStatus(app, dependencies)
  routeUpdates(app, dependencies)
  routeDescription(app, dependencies)

  app.use(() => {
    throw new SealpostError('not_found')
  })
  const actorOf = async (request: Request): Promise<Actor> => ({
    kind: 'application',
    id: (await clients.applicationOf(request)).id,
  })
  app.use(refuse({ ...dependencies, listener: 'api', actorOf }))
  return app
}
