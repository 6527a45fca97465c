import type { Request, Response } from 'express'
import type { Knex } from 'knex'
import { type Actor, recordEvent } from '../audit/index.ts'
import { type Clock, SealpostError } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import type { Clients } from './clients.ts'
import { sendProblem } from './problem.ts'

interface RefusalDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly clients: Clients
  readonly log: Logger
}

/** Where every error of the API ends: audited, answered as a problem, logged under the same instance id. */
export function refuse({ knex, clock, clients, log }: RefusalDependencies) {
  const actorOf = (request: Request): Promise<Actor> =>
    clients.applicationOf(request).then(
      ({ id }) => ({ kind: 'application', id }),
      () => ({ kind: 'peer', address: request.socket.remoteAddress ?? 'unknown' }),
    )

  // Express knows an error handler by its four parameters.
  return async (thrown: unknown, request: Request, response: Response, _next: unknown): Promise<void> => {
    let error = asSealpostError(thrown)
    try {
      await recordEvent(knex, clock, await actorOf(request), eventOf(error))
    } catch (cause) {
      error = new SealpostError('database_unavailable', { cause })
    }
    const instance = sendProblem(response, error)
    log.warn('request-refused', { code: error.code, instance })
    if (error.code === 'internal_error') log.error('request-failed', thrown, { instance })
    // The rest of a refused body is read and dropped, so that the client gets to see the answer.
    if (!request.complete) request.resume()
  }
}

function eventOf({ code, details: { recipients = [] } }: SealpostError) {
  const known = recipients.flatMap(refusal =>
    refusal.recipient == null ? [] : [{ recipient: refusal.recipient, code: refusal.code }],
  )
  const unknownRecipients = recipients.length - known.length
  return { type: 'request.refused', code, recipients: known, unknownRecipients } as const
}

function asSealpostError(thrown: unknown): SealpostError {
  if (thrown instanceof SealpostError) return thrown
  // Express's own: a path that is not valid percent-encoding.
  if (thrown instanceof URIError) return new SealpostError('request_refused')
  return new SealpostError('internal_error', { cause: thrown })
}
