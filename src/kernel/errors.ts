import type { Address } from './address.ts'
import type { RecipientId } from './ids.ts'

interface CatalogueEntry {
  /** One sentence, safe for anyone to read: it never contains a value that came from outside. */
  readonly title: string
  /** What the reader can do about it. */
  readonly remedy: string
  /** Whether the same request can succeed later, unchanged. */
  readonly temporary: boolean
}

/**
 * Every error that leaves the program, by its stable code. `docs/errors.md` is generated from here; HTTP statuses
 * stand in `http/problem.ts`, exit codes in `cli/exit.ts`.
 */
export const errorCatalogue = {
  // The request
  not_found: entry('There is nothing here.', 'Check the path and the identifier.'),
  method_not_allowed: entry('This method is not offered here.', 'See the Allow header.'),
  unsupported_media_type: entry(
    'The body is not of an accepted type.',
    'Send application/json in UTF-8, or multipart/form-data with a boundary.',
  ),
  content_encoding_refused: entry(
    'Compressed request bodies are refused.',
    'Send the body without Content-Encoding.',
  ),
  body_too_large: entry(
    'The body exceeds the limit.',
    'Send less, or split the message: attachments together at most SEALPOST_MAX_ATTACHMENT_MB, 4 MB beside them, 100 MB for all recipients together.',
  ),
  body_incomplete: entry('The body ended early.', 'Send the whole body.', 'temporary'),
  body_too_slow: entry(
    'The body came too slowly.',
    'Send it again, without pauses: see the limits in docs/api.md.',
    'temporary',
  ),
  invalid_json: entry(
    'The body is not valid JSON.',
    'Send one JSON object (RFC 8259) in UTF-8, without duplicate keys.',
  ),
  invalid_message: entry(
    'The message does not have the required form.',
    'Correct the fields that `errors` points to.',
  ),
  invalid_multipart: entry(
    'The body is not multipart/form-data as it should be.',
    'Send the part `message` with the JSON first, then a part `attachment` with a file name for each (RFC 7578).',
  ),
  header_injection: entry(
    'A header field holds a control character.',
    'Remove CR, LF, NUL and other controls.',
  ),
  sad_detected: entry(
    'The message holds sensitive authentication data, which nobody may send or keep: card verification codes, PINs, tracks.',
    'Remove what `errors` points to (PCI DSS 3.3.1).',
  ),
  pan_not_allowed_here: entry(
    'A card number stands where others than the recipient can see it.',
    'Put card numbers into the text or an attachment only; `errors` tells where one was.',
  ),
  cards_not_allowed: entry(
    'The message holds card numbers, which this application may not send.',
    'Truncate them, or ask an admin to allow them to the application.',
  ),
  cards_required: entry(
    'The message holds no card number, though this application sends nothing else.',
    'Send messages without card numbers by ordinary means.',
  ),
  too_many_cards: entry(
    'The message holds more card numbers than this application may send at once.',
    'Send fewer, or ask an admin for a higher limit.',
  ),
  content_unreadable: entry(
    'A part of the message cannot be looked into, so what it holds is not known.',
    'Send it unencrypted and whole: the message is encrypted anyway; `errors` tells which part.',
  ),
  metadata_not_removable: entry(
    'The metadata of an attachment cannot be removed: its type is unknown here, or it is damaged or encrypted.',
    'Remove the metadata before you send it, or do not ask for it; `errors` tells which attachment.',
  ),
  nothing_to_cancel: entry(
    'Every delivery of this message is settled, or being sent at this moment.',
    'See the state of its deliveries.',
  ),
  invalid_idempotency_key: entry(
    'The Idempotency-Key header is not of the required form.',
    'Send one key of 1 to 128 printable ASCII characters in double quotes, such as a UUID.',
  ),
  idempotency_key_reused: entry(
    'This Idempotency-Key was used for another request.',
    'Use a new key for each new message; the same only to repeat one unchanged.',
  ),
  idempotency_in_flight: entry(
    'A request with this Idempotency-Key is being worked on.',
    'Repeat it after the time given; the answer will be the same.',
    'temporary',
  ),
  request_refused: entry('The request is malformed.', 'Send a plain HTTP/1.1 request (RFC 9112).'),
  // Who asks, for whom
  application_unknown: entry(
    'The client certificate names no registered application.',
    'Ask an admin to register it.',
  ),
  sender_not_allowed: entry(
    'This application may not send from that address.',
    'Use an address registered for it.',
  ),
  recipients_refused: entry(
    'At least one recipient cannot receive this message; nobody was sent it.',
    'See `recipients`.',
  ),
  // Operators, recipients and their changes
  invalid_request: entry(
    'The request does not have the required form.',
    'Correct the fields that `errors` points to.',
  ),
  sign_in_required: entry(
    'Nobody is signed in here.',
    'Ask for a sign-in link on the host: `sealpost operator sign-in`.',
  ),
  link_invalid: entry(
    'This link is unknown, was used already, or has expired.',
    'Ask the person who sent it for a new one.',
  ),
  cross_site_refused: entry('The request came from another site.', 'Use the pages of this service.'),
  role_missing: entry('This operator may not do that.', 'Ask an operator who has the role.'),
  own_request: entry(
    'Nobody decides on a request of their own.',
    'Ask another operator with the role approver.',
  ),
  second_person_needed: entry(
    'This takes two operators.',
    'Ask for it in the console; another operator approves it there.',
  ),
  state_conflict: entry(
    'This step does not fit the state that things are in now.',
    'Look at the present state, then decide again.',
  ),
  certificate_in_use: entry(
    'This encryption subkey was in use before, or its key was revoked or belongs to another enrolment.',
    'Add a new encryption subkey to the key, or use a new key for this address.',
  ),
  possession_not_proved: entry(
    'This is not the code that was sent, or it has expired.',
    'Use the code of the newest mail, or ask for another.',
  ),
  too_many_requests: entry('Too many attempts.', 'Wait for the time given, then try again.', 'temporary'),
  sending_not_approved: entry(
    'No crypto policy is in force, so nothing may be sent.',
    'Have a policy proposed by one operator and approved by another.',
  ),
  evidence_not_ready: entry(
    'The audit log does not have all of this message yet.',
    'Retry after a second. If it stays so, see `sealpost doctor`: the log has stopped, or lags behind.',
    'temporary',
  ),
  evidence_incomplete: entry(
    'The audit log lacks an event that the evidence of this message takes.',
    'Its events may have left for an archive: search those. If they have not, see `sealpost doctor`.',
  ),
  evidence_not_anchored: entry(
    'Too few anchors have a checkpoint that covers this yet.',
    'Retry after a minute or two. If it stays so, see `sealpost doctor`: an anchor does not answer, or contradicts the log.',
    'temporary',
  ),
  // Whether the gateway can
  sealed: entry('The gateway is sealed.', 'Ask the custodians to unseal it, then retry.', 'temporary'),
  sealer_unavailable: entry('The message could not be sealed.', 'Retry after the time given.', 'temporary'),
  overloaded: entry('The gateway is at capacity.', 'Retry after the time given.', 'temporary'),
  stopping: entry(
    'This replica is shutting down.',
    'Retry; another replica or the restarted one answers.',
    'temporary',
  ),
  database_unavailable: entry('The database did not answer.', 'Retry after the time given.', 'temporary'),
  audit_unavailable: entry(
    'The audit log cannot be written or is not to be trusted, so nothing is done.',
    'Retry after the time given; the alarms of /readyz say what is wrong.',
    'temporary',
  ),
  syslog_failed: entry(
    'The syslog server did not take what was sent.',
    'Look at the server and the way there; what it did not take is sent again. See docs/siem.md.',
    'temporary',
  ),
  outbound_gate_refused: entry(
    'What the sealer made was not what was asked for.',
    'Report this: nothing was sent.',
  ),
  internal_error: entry(
    'Something failed inside the gateway.',
    'Report the instance id; nothing was accepted.',
  ),
  // Starting and administering it
  usage: entry('The command line is wrong.', 'See --help.'),
  config_invalid: entry('The configuration is invalid.', 'Correct the settings named in the detail.'),
  unsafe_environment: entry('The environment weakens a protection.', 'Unset what the detail names.'),
  database_tls_required: entry(
    'PostgreSQL must be reached over verified TLS.',
    'Set SEALPOST_DATABASE_CA_FILE.',
  ),
  tls_material_refused: entry(
    'A certificate, a key or a list of revoked certificates of ours cannot be used.',
    'Replace the file that the detail is about; `sealpost doctor` looks at all of them.',
  ),
  exception_expired: entry(
    'An exception to the TLS rules has ended.',
    'Bring what needed it up to date and remove the settings named in the detail.',
  ),
  schema_outdated: entry('The database schema is not the one this version needs.', 'Run `sealpost migrate`.'),
  passphrase_wrong: entry('The passphrase does not open the key.', 'Try again with the right one.'),
  key_exists: entry('There is a signing key already.', 'Use it, or rotate it.'),
  key_missing: entry('There is no signing key.', 'Run `sealpost custody init`.'),
  name_taken: entry('That name or identity is registered already.', 'Choose another, or revoke the first.'),
  certificate_refused: entry('The certificate is not acceptable.', 'See the reasons.'),
  // The audit log
  export_refused: entry(
    'The log cannot be exported like that.',
    'Export into a new directory, or with the same options into the one that was begun.',
  ),
  archive_refused: entry(
    'These events may not leave the database.',
    'Three months stay at hand, and nothing leaves that is not verified under a checkpoint (docs/audit-log.md).',
  ),
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof errorCatalogue

/** Why one recipient of a message cannot receive it. */
export type RecipientCode =
  | 'recipient_unknown'
  | 'recipient_not_active'
  | 'certificate_missing'
  | 'certificate_expired'
  | 'certificate_revoked'
  | 'certificate_retired'
  | 'certificate_not_allowed'
  | 'attestation_missing'
  | 'attestation_lapsed'
  | 'destination_missing'

export interface RecipientRefusal {
  readonly address: Address
  /** Whom the address belongs to, when it is enrolled. For the audit log; never part of an answer. */
  readonly recipient?: RecipientId | null
  readonly code: RecipientCode
}

export interface ErrorDetails {
  /** Private: for the log and the operator's terminal. Never holds message content, never leaves by HTTP. */
  readonly detail?: string
  /** JSON pointers (RFC 6901) into the request, with a code each; never a value. */
  readonly errors?: readonly { readonly pointer: string; readonly code: string }[]
  readonly recipients?: readonly RecipientRefusal[]
  /** When to come back, where that is known. */
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

/** The one error of the house: a code from the catalogue, public words apart from private ones. */
export class SealpostError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails
  override readonly name = 'SealpostError'

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(errorCatalogue[code].title, { cause: details.cause })
    this.code = code
    this.details = details
  }

  get temporary(): boolean {
    return errorCatalogue[this.code].temporary
  }
}

function entry(title: string, remedy: string, temporary?: 'temporary'): CatalogueEntry {
  return { title, remedy, temporary: temporary !== undefined }
}
