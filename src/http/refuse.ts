import type { Request, Response } from 'express'
import type { Knex } from 'knex'
import { type Actor, isRecorded, type Origin, recordEvent } from '../audit/index.ts'
import { type Clock, type ErrorCode, SealpostError } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import type { Site } from './page/layout.ts'
import { sendProblem } from './problem.ts'
import { recordedAddress } from './refusals/network.ts'
import type { Refusals } from './refusals/open.ts'

interface RefusalDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly listener: Exclude<Origin['listener'], 'host'>
  readonly refusals: Refusals
  /** Who asked, as far as it was proved. When it rejects, it was the peer. */
  readonly actorOf: (request: Request) => Promise<Actor>
  /** The pages that a refusal is shown as; undefined: problem+json. */
  readonly siteFor?: (request: Request) => Site | undefined
}

/** What says nothing about who asked, and can be caused without end: counted, whoever it was. */
const counted: ReadonlySet<ErrorCode> = new Set([
  'audit_unavailable',
  'body_incomplete',
  'body_too_large',
  'body_too_slow',
  'content_encoding_refused',
  'database_unavailable',
  'method_not_allowed',
  'not_found',
  'overloaded',
  'request_refused',
  'sealed',
  'sealer_unavailable',
  'stopping',
  'too_many_requests',
  'unsupported_media_type',
])
/** Turned away before anything is looked up for them; but for applications, whose rates are their own. */
const early: ReadonlySet<ErrorCode> = new Set(['too_many_requests', 'stopping'])

/**
 * Where every error of a listener ends: audited, answered, logged under the same instance id. Of what somebody unknown causes,
 * and of what anybody can cause without end, the first is an event and the rest is counted.
 */
export function refuse(dependencies: RefusalDependencies) {
  const { knex, clock, log, listener, refusals, actorOf, siteFor } = dependencies
  const record = async (request: Request, error: SealpostError): Promise<void> => {
    const peer = peerOf(request)
    const isEarly = early.has(error.code) && !(listener === 'api' && error.code === 'too_many_requests')
    const actor = isEarly ? peer : await actorOf(request).catch(() => peer)
    const event = eventOf(error)
    if (actor.kind !== 'peer' && !counted.has(error.code)) await recordEvent(knex, clock, actor, event)
    else await refusals.note({ actor, from: { listener, address: peer.address }, event })
  }
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
      if (!isRecorded(error)) await record(request, error)
    } catch (cause) {
      const told = cause instanceof SealpostError && cause.code === 'audit_unavailable'
      error = told ? cause : new SealpostError('database_unavailable', { cause })
    }
    // What is left of a body that does not come is not waited for.
    if (error.code === 'body_too_slow') response.set('Connection', 'close')
    const instance = sendProblem(response, error, {
      site: siteFor?.(request),
      documented: listener === 'api' || listener === 'console',
    })
    log.warn('request-refused', { code: error.code, instance })
    if (error.code === 'internal_error') log.error('request-failed', thrown, { instance })
    if (!request.complete) dropBody(request)
  }
}

/** Long enough for a client that sends on to notice the answer. */
const dropLimit = 10_000

/** The rest of a refused body is read and dropped, so that the client gets to see the answer; not without end. */
function dropBody(request: Request): void {
  request.resume()
  const timer = setTimeout(() => request.socket.destroy(), dropLimit).unref()
  for (const event of ['end', 'close'] as const) request.once(event, () => clearTimeout(timer))
}

function isGoneAway(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

export function peerOf(request: Request): Actor & { kind: 'peer' } {
  return { kind: 'peer', address: recordedAddress(request.socket.remoteAddress) }
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
