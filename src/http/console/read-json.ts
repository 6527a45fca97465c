import type { Request } from 'express'
import type { z } from 'zod'
import { SealpostError } from '../../kernel/index.ts'
import { readAll } from '../browser/read-all.ts'
import { checked } from './query.ts'

const mostBytes = 64 * 1024

/**
 * What an operator's program sends: JSON of the form of `schema`, at most 64 KiB; an empty body is `{}`. Messages of
 * applications never come here. Throws `unsupported_media_type`, `body_too_large`, `invalid_json`, `invalid_request`.
 */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const bytes = await readAll(request, mostBytes)
  if (bytes.length === 0) return checked(schema, {})
  assertType(request, 'application/json')
  return checked(schema, parse(bytes))
}

/** Throws `unsupported_media_type` unless the body is of this type, in UTF-8. */
export function assertType(request: Request, type: string): void {
  const [given = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';')
  const charsetOnly = parameters.every(parameter => /^\s*charset="?utf-8"?\s*$/.test(parameter))
  if (given.trim() !== type || !charsetOnly) throw new SealpostError('unsupported_media_type')
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    throw new SealpostError('invalid_json') // The cause quotes what was sent.
  }
}
