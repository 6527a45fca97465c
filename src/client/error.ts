import type { Problem, ProblemCode } from './types.ts'

/** What went wrong before there was an answer of the gateway, or with something that is not one. */
export type LocalCode =
  /** No connection, or it was lost; `cause` has why. Certificates that do not fit are told like this, too. */
  | 'connection_failed'
  /** Nothing was heard for the time given by `timeout`. */
  | 'timeout'
  /** Something answered that is not the gateway: see `status`. */
  | 'unexpected_answer'
  /** An attachment that cannot be sent as it is: `errors` points to it. */
  | 'invalid_attachment'
  /** A webhook call that no secret of yours signed, or an old one. */
  | 'webhook_refused'

const localTitles: Record<LocalCode, string> = {
  connection_failed: 'The gateway could not be reached, or the connection was lost.',
  timeout: 'The gateway did not answer in time.',
  unexpected_answer: 'The answer is not one of the gateway.',
  invalid_attachment: 'A file name or type holds a control character, or content is not base64.',
  webhook_refused: 'The webhook call is not signed by any of the secrets, or is too old.',
}

export interface ErrorFacts {
  readonly status?: number | undefined
  readonly problem?: Problem | undefined
  readonly errors?: Problem['errors']
  readonly retryable?: boolean | undefined
  readonly retryAfterSeconds?: number | undefined
  readonly cause?: unknown
}

/**
 * The one error of the client. It never holds any part of a message: what is in it comes from the gateway's answer, which
 * echoes nothing either, or from Node.
 */
export class SealpostApiError extends Error {
  override readonly name = 'SealpostApiError'
  /** Stable: of docs/errors.md, or one of {@link LocalCode}. */
  readonly code: ProblemCode | LocalCode | (string & Record<never, never>)
  /** Of HTTP; undefined when nothing was answered. */
  readonly status: number | undefined
  /** Whether the same request can succeed later, unchanged. The client has tried again by then, where that was safe. */
  readonly retryable: boolean
  readonly retryAfterSeconds: number | undefined
  /** JSON pointers into the message, with a code each. */
  readonly errors: NonNullable<Problem['errors']>
  /** With `recipients_refused`: who cannot receive, and why. */
  readonly recipients: NonNullable<Problem['recipients']>
  /** Where this code is explained, as a path of the gateway. */
  readonly documentation: string | undefined
  /** Of the gateway's log: what its operators find this by. */
  readonly instance: string | undefined
  /** Of `send`: with it, the same message can be sent again, later or by another process, and is still one. */
  idempotencyKey: string | undefined

  constructor(code: string, { problem, cause, ...facts }: ErrorFacts = {}) {
    const [title, remedy] = problem
      ? [problem.title, problem.detail]
      : [localTitles[code as LocalCode], facts.status === undefined ? undefined : `Status ${facts.status}.`]
    super([title, remedy, `(${code})`].filter(Boolean).join(' '), cause === undefined ? undefined : { cause })
    this.code = code
    this.status = facts.status
    this.retryable = facts.retryable ?? problem?.retryable ?? false
    this.retryAfterSeconds = facts.retryAfterSeconds
    this.errors = facts.errors ?? problem?.errors ?? []
    this.recipients = problem?.recipients ?? []
    this.documentation = problem?.documentation
    this.instance = problem?.instance
  }
}
