import type { Express } from 'express'
import { announcedLength, bodyFormOf, readBody } from './body.ts'
import type { ApiDependencies } from './dependencies.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import { refuseMethod } from './methods.ts'
import { renderAccepted } from './render.ts'

/** `POST /v1/messages`: the body goes to a sealer as it comes. */
export function routeMessages(
  app: Express,
  { clients, submit, log, bodies, bodyLimit }: ApiDependencies,
): void {
  app
    .route('/v1/messages')
    .post(async (request, response) => {
      const form = bodyFormOf(request)
      const application = await clients.applicationOf(request)
      const key = idempotencyKeyOf(request)
      const accepted = await bodies.hold(application.id, announcedLength(request), share =>
        submit(application, readBody(request, bodyLimit, share), {
          key,
          form,
          weigh: recipients => share.multiply(recipients),
        }),
      )
      log.info('message-accepted', { message: accepted.id, application: application.id })
      response.status(202).location(`/v1/messages/${accepted.id}`).json(renderAccepted(accepted))
    })
    .all(refuseMethod('GET, HEAD, POST'))
}
