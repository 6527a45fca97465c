import type { SealRefusal } from '../../protocol.ts'

/** The message is not of the required form. Holds pointers and codes, never a value. */
export class MessageRefused extends Error {
  readonly refusal: SealRefusal

  constructor(refusal: SealRefusal) {
    super(refusal.code)
    this.refusal = refusal
  }
}

/** The body cannot be taken apart as multipart/form-data, or its parts are not those of a message. */
export function multipartRefused(code: string, pointer = ''): MessageRefused {
  return new MessageRefused({ code: 'invalid_multipart', errors: [{ pointer, code }] })
}

export function tooManyParts(): MessageRefused {
  return new MessageRefused({
    code: 'invalid_message',
    errors: [{ pointer: '/attachments', code: 'too_many' }],
  })
}

export function tooLarge(): MessageRefused {
  return new MessageRefused({ code: 'body_too_large', errors: [] })
}
