import type { Request, Response } from 'express'
import type { Knex } from 'knex'
import { type Actor, recordEvent } from '../audit/index.ts'
import { type Clock, type ErrorCode, SealpostError } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import type { Site } from './page/layout.ts'
import { sendProblem } from './problem.ts'

interface RefusalDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  /** Who asked, as far as it was proved. When it rejects, it was the peer. */
  readonly actorOf: (request: Request) => Promise<Actor>
  /** Codes that leave no event here: what anybody on the internet can cause without end, or what has its own event. */
  readonly unaudited?: ReadonlySet<ErrorCode>
  /** The pages that a refusal is shown as; undefined: problem+json. */
  readonly siteFor?: (request: Request) => Site | undefined
}

/** Where every error of a listener ends: audited, answered, logged under the same instance id. */
export function refuse({ knex, clock, log, actorOf, unaudited, siteFor }: RefusalDependencies) {
  // Express knows an error handler by its four parameters.
  return async (thrown: unknown, request: Request, response: Response, _next: unknown): Promise<void> => {
    if (response.headersSent) {
      // Too late to say it: an answer that breaks off is seen to be incomplete. Who went away misses nothing.
      if (!isGoneAway(thrown)) log.error('answer-broken-off', thrown)
      response.destroy()
      return
    }
    let error = asSealpostError(thrown)
    try {
      if (unaudited?.has(error.code) !== true) {
        const actor = await actorOf(request).catch(() => peerOf(request))
        await recordEvent(knex, clock, actor, eventOf(error))
      }
    } catch (cause) {
      const told = cause instanceof SealpostError && cause.code === 'audit_unavailable'
      error = told ? cause : new SealpostError('database_unavailable', { cause })
    }
    const instance = sendProblem(response, error, siteFor?.(request))
    log.warn('request-refused', { code: error.code, instance })
    if (error.code === 'internal_error') log.error('request-failed', thrown, { instance })
    // The rest of a refused body is read and dropped, so that the client gets to see the answer.
    if (!request.complete) request.resume()
  }
}

function isGoneAway(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

export function peerOf(request: Request): Actor & { kind: 'peer' } {
  return { kind: 'peer', address: request.socket.remoteAddress ?? 'unknown' }
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
