import type { Request } from 'express'
import { SealpostError } from '../../kernel/index.ts'

/** A string of structured fields (RFC 9651 section 3.3.3), here without escapes; or, as many clients send it, a bare token. */
const form = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,128})"|([A-Za-z0-9._~:+/=-]{1,128}))$/

/**
 * The Idempotency-Key of a request (draft-ietf-httpapi-idempotency-key-header-07), undefined when it has none. Throws
 * `invalid_idempotency_key`, also when there are several.
 */
export function idempotencyKeyOf(request: Request): string | undefined {
  const given = request.headersDistinct['idempotency-key']
  if (given === undefined) return undefined
  const [, quoted, bare] = (given.length === 1 && form.exec(given[0] ?? '')) || []
  const key = quoted ?? bare
  if (key === undefined) throw new SealpostError('invalid_idempotency_key')
  return key
}
