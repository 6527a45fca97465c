import express, { type Express, type Request, type RequestHandler } from 'express'
import type { Knex } from 'knex'
import type { Actor } from '../audit/index.ts'
import { messageStatus, type Submit } from '../intake/index.ts'
import { type Clock, SealpostError } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import { readBody } from './body.ts'
import { requireCardFreeHead } from './card-free-head.ts'
import type { Clients } from './clients.ts'
import { openEvidenceRate, sendEvidence } from './evidence.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import type { Refusals } from './refusals/open.ts'
import { refuse } from './refuse.ts'
import { renderAccepted, renderStatus } from './render.ts'

/** 25 MB: what a body may weigh, base64 of attachments included. */
const bodyLimit = 25 * 1024 * 1024

export interface ApiDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly clients: Clients
  readonly submit: Submit
  readonly log: Logger
  readonly refusals: Refusals
  /** Aborted once this replica is shutting down. */
  readonly stopping: AbortSignal
}

/** The HTTP API for applications. Every request is answered under the identity that its connection proved. */
export function createApi(dependencies: ApiDependencies): Express {
  const { knex, clients, submit, log, stopping } = dependencies
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)

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

  app
    .route('/v1/messages')
    .post(requireJson, async (request, response) => {
      const application = await clients.applicationOf(request)
      const accepted = await submit(application, readBody(request, bodyLimit), idempotencyKeyOf(request))
      log.info('message-accepted', { message: accepted.id, application: application.id })
      response.status(202).location(`/v1/messages/${accepted.id}`).json(renderAccepted(accepted))
    })
    .all(refuseMethod('POST'))

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

const requireJson: RequestHandler = (request, _response, next) => {
  // `identity` too: a body is taken as it is or not at all.
  if (request.headers['content-encoding'] !== undefined) throw new SealpostError('content_encoding_refused')
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i.test(type)) {
    throw new SealpostError('unsupported_media_type')
  }
  next()
}

function refuseMethod(allowed: string): RequestHandler {
  return (_request, response) => {
    response.set('Allow', allowed)
    throw new SealpostError('method_not_allowed')
  }
}
