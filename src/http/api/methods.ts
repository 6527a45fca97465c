import type { RequestHandler } from 'express'
import { SealpostError } from '../../kernel/index.ts'

/** The end of a route: whatever it does not offer is refused, with what it does. */
export function refuseMethod(allowed: string): RequestHandler {
  return (_request, response) => {
    response.set('Allow', allowed)
    throw new SealpostError('method_not_allowed')
  }
}
