import type { RequestHandler } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import { styleSource } from '../page/style.ts'

/**
 * What every answer to a browser carries. No script runs, nothing is loaded from elsewhere, nobody frames us, nothing is
 * kept, and no address of ours is told to other sites. `same-origin`, since with `no-referrer` browsers send
 * `Origin: null`, by which a form of our own could not be told from another's (Fetch, "append a request Origin header").
 */
const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; style-src ${styleSource}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=()',
  'Referrer-Policy': 'same-origin',
  'Strict-Transport-Security': 'max-age=63072000',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-Robots-Tag': 'noindex, nofollow',
} as const

/** Sets these headers, and turns everybody away once `stopping` is aborted. */
export function browserHeaders(stopping: AbortSignal): RequestHandler {
  return (_request, response, next) => {
    response.set(headers)
    if (stopping.aborted) {
      response.set('Connection', 'close')
      throw new SealpostError('stopping')
    }
    next()
  }
}
