import { isAddress } from '../../kernel/index.ts'
import type { CertificateVerdict, FromSealer, MessageFacts, SealRefusal } from '../protocol.ts'

/**
 * Whether a message from a sealer has the form that the protocol promises. A sealer reads what strangers wrote, so the
 * gateway does not take its word for it: what fails here is treated as a crash.
 */
export function isWellFormed(message: FromSealer): boolean {
  switch (message.type) {
    case 'metadata':
      return isMetadata(message.metadata)
    case 'refused':
      return isRefusal(message.refusal)
    case 'sealed':
      return message.piece instanceof Uint8Array && Number.isSafeInteger(message.target)
    case 'generated':
      return message.certificate instanceof Uint8Array && /^[0-9A-F]{40}$/.test(message.wrapped.fingerprint)
    case 'inspected':
      return isVerdict(message.verdict)
    case 'revocation':
      return typeof message.revokes === 'boolean'
    case 'merged':
      return (
        message.certificate === null ||
        (message.certificate instanceof Uint8Array && message.certificate.length <= 65_536)
      )
    case 'ready':
    case 'key_refused':
    case 'failed':
      return true
    default:
      return false
  }
}

const fingerprint = /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/

/** What is stored, compared or shown later has its one form; reasons and names are bounded and plain. */
function isVerdict(verdict: CertificateVerdict): boolean {
  const { reasons, algorithm, format, expires, rsaModuli } = verdict
  const accepted = verdict.verdict === 'accept'
  return (
    ['accept', 'reject'].includes(verdict.verdict) &&
    (reasons.length === 0) === accepted &&
    reasons.length <= 50 &&
    reasons.every(isName) &&
    [verdict.fingerprint, verdict.encryptionSubkey].every(text =>
      text === null ? !accepted : fingerprint.test(text),
    ) &&
    (algorithm === null ? !accepted : isName(algorithm)) &&
    (format === null ? !accepted : ['seipdv1', 'seipdv2'].includes(format)) &&
    (expires === null || !Number.isNaN(Date.parse(expires))) &&
    (verdict.expiresFor === null) === (expires === null) &&
    typeof verdict.legacy === 'boolean' &&
    typeof verdict.certifiedByGiven === 'boolean' &&
    rsaModuli.length <= 2 &&
    rsaModuli.every(modulus => /^[1-9A-F][0-9A-F]{0,4095}$/.test(modulus))
  )
}

function isName(text: string): boolean {
  return /^[a-z0-9_-]{1,64}$/.test(text)
}

function isMetadata({
  from,
  to,
  reference,
  replyTo,
  expiresAt,
  hasContent,
  cards,
  fingerprint: body,
}: MessageFacts): boolean {
  if (typeof hasContent !== 'boolean') return false
  if (replyTo !== undefined && !isAddress(replyTo)) return false
  if (expiresAt !== undefined && !isTime(expiresAt)) return false
  if (!/^[0-9a-f]{64}$/.test(body)) return false
  const { count, brands, unread } = cards
  if (!Number.isSafeInteger(count) || count < 0 || brands.length > Math.min(count, 64)) return false
  if (!brands.every(isName) || unread.length > 102 || !unread.every(isPointer)) return false
  if (!isAddress(from) || to.length < 1 || to.length > 50 || new Set(to).size !== to.length) return false
  return to.every(isAddress) && (reference === undefined || /^[A-Za-z0-9._:-]{1,128}$/.test(reference))
}

/** Milliseconds of the years 1970 to 9999. */
function isTime(at: number): boolean {
  return Number.isSafeInteger(at) && at >= 0 && at < 253_402_300_800_000
}

/** Pointers and codes of our own making only: nothing that the message's author could have chosen. */
function isRefusal({ code, errors }: SealRefusal): boolean {
  return (
    refusals.has(code) &&
    errors.length <= 50 &&
    errors.every(error => isPointer(error.pointer) && /^[a-z_0-9]{1,32}$/.test(error.code))
  )
}

const refusals: ReadonlySet<SealRefusal['code']> = new Set([
  'invalid_json',
  'invalid_message',
  'invalid_multipart',
  'header_injection',
  'sad_detected',
  'pan_not_allowed_here',
  'metadata_not_removable',
  'body_too_large',
])

function isPointer(text: string): boolean {
  return /^(?:\/(?:from|to|subject|text|html|reference|replyTo|expiresAt|stripMetadata)|\/(?:to|attachments)\/\d{1,4}|\/attachments(?:\/\d{1,4}\/[a-zA-Z]+)?)?$/.test(
    text,
  )
}
