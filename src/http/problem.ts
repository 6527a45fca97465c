import { randomUUID } from 'node:crypto'
import type { Response } from 'express'
import { type ErrorCode, errorCatalogue, type SealpostError } from '../kernel/index.ts'
import type { Site } from './page/layout.ts'
import { renderProblem } from './page/problem-page.ts'

/** The HTTP status of every code that can reach a client. Codes of the command line are not listed: they become 500. */
export const statuses: Partial<Record<ErrorCode, number>> = {
  not_found: 404,
  method_not_allowed: 405,
  unsupported_media_type: 415,
  content_encoding_refused: 415,
  body_too_large: 413,
  body_incomplete: 400,
  body_too_slow: 408,
  invalid_json: 400,
  invalid_message: 400,
  invalid_multipart: 400,
  header_injection: 400,
  sad_detected: 422,
  pan_not_allowed_here: 422,
  cards_not_allowed: 422,
  cards_required: 422,
  too_many_cards: 422,
  content_unreadable: 422,
  metadata_not_removable: 422,
  nothing_to_cancel: 409,
  invalid_idempotency_key: 400,
  idempotency_key_reused: 409,
  idempotency_in_flight: 409,
  request_refused: 400,
  application_unknown: 403,
  sender_not_allowed: 403,
  recipients_refused: 422,
  invalid_request: 400,
  sign_in_required: 401,
  link_invalid: 410,
  cross_site_refused: 403,
  role_missing: 403,
  own_request: 403,
  state_conflict: 409,
  name_taken: 409,
  certificate_in_use: 409,
  certificate_refused: 422,
  possession_not_proved: 422,
  too_many_requests: 429,
  sending_not_approved: 503,
  sealed: 503,
  sealer_unavailable: 503,
  overloaded: 503,
  stopping: 503,
  evidence_not_ready: 503,
  evidence_incomplete: 409,
  evidence_not_anchored: 503,
  database_unavailable: 503,
  audit_unavailable: 503,
  outbound_gate_refused: 500,
  internal_error: 500,
}

// Long enough for a sealer to be replaced or a queue to drain, short enough that nobody waits in vain.
const retryAfterSeconds = 2

/**
 * Answers with an error: programs get problem+json (RFC 9457), people a page. The only place where an error becomes
 * HTTP. Everything in the answer comes from the catalogue, but for JSON pointers and the addresses of refused recipients.
 * `documented`: this listener has the pages that explain the codes.
 *
 * Returns the id under which the log has this instance.
 */
export function sendProblem(
  response: Response,
  error: SealpostError,
  { site, documented = false }: { readonly site?: Site | undefined; readonly documented?: boolean } = {},
): string {
  const instance = randomUUID()
  const known = statuses[error.code]
  const code = known === undefined ? 'internal_error' : error.code
  const { title, remedy, temporary } = errorCatalogue[code]
  if (temporary) response.set('Retry-After', String(error.details.retryAfterSeconds ?? retryAfterSeconds))
  response.status(known ?? 500)
  if (site !== undefined) {
    response
      .type('html')
      .send(renderProblem(site, { code, title, remedy, instance, errors: error.details.errors ?? [] }))
    return instance
  }
  response.type('application/problem+json').send(
    JSON.stringify({
      type: `urn:sealpost:error:${code}`,
      title,
      status: known ?? 500,
      detail: remedy,
      instance: `urn:uuid:${instance}`,
      code,
      retryable: temporary,
      documentation: documented ? `/docs/errors#${code}` : undefined,
      errors: error.details.errors,
      recipients: error.details.recipients?.map(refusal => ({
        address: refusal.address,
        code: refusal.code,
      })),
    }),
  )
  return instance
}
