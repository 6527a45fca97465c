import type { Express, RequestHandler } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import { readBody } from './body.ts'
import type { ApiDependencies } from './dependencies.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import { refuseMethod } from './methods.ts'
import { renderAccepted } from './render.ts'

/** 25 MB: what a body may weigh, base64 of attachments included. */
const bodyLimit = 25 * 1024 * 1024

/** `POST /v1/messages`: the body goes to a sealer as it comes. */
export function routeMessages(app: Express, { clients, submit, log }: ApiDependencies): void {
  app
    .route('/v1/messages')
    .post(requireJson, async (request, response) => {
      const application = await clients.applicationOf(request)
      const accepted = await submit(application, readBody(request, bodyLimit), idempotencyKeyOf(request))
      log.info('message-accepted', { message: accepted.id, application: application.id })
      response.status(202).location(`/v1/messages/${accepted.id}`).json(renderAccepted(accepted))
    })
    .all(refuseMethod('POST'))
}

const requireJson: RequestHandler = (request, _response, next) => {
  // `identity` too: a body is taken as it is or not at all.
  if (request.headers['content-encoding'] !== undefined) throw new SealpostError('content_encoding_refused')
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i.test(type)) {
    throw new SealpostError('unsupported_media_type')
  }
  next()
}
