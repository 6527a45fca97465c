import { isAddress } from '../../kernel/index.ts'
import type { FromSealer, MessageMetadata, SealRefusal } from '../protocol.ts'

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
      return ['accept', 'reject'].includes(message.verdict.verdict)
    case 'ready':
    case 'key_refused':
    case 'failed':
      return true
    default:
      return false
  }
}

function isMetadata({ from, to, reference }: MessageMetadata): boolean {
  if (!isAddress(from) || to.length < 1 || to.length > 50 || new Set(to).size !== to.length) return false
  return to.every(isAddress) && (reference === undefined || /^[A-Za-z0-9._:-]{1,128}$/.test(reference))
}

/** Pointers and codes of our own making only: nothing that the message's author could have chosen. */
function isRefusal({ code, errors }: SealRefusal): boolean {
  if (!['invalid_json', 'invalid_message', 'header_injection'].includes(code) || errors.length > 50)
    return false
  return errors.every(
    error =>
      /^(?:\/(?:from|to|subject|text|html|reference)|\/(?:to|attachments)\/\d{1,4}|\/attachments(?:\/\d{1,4}\/[a-zA-Z]+)?)?$/.test(
        error.pointer,
      ) && /^[a-z_0-9]{1,32}$/.test(error.code),
  )
}
