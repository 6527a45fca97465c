import type { RequestHandler } from 'express'
import { SealpostError } from '../../kernel/index.ts'

/** What a form of any site can send without being asked (Fetch, "CORS-safelisted request-header"). */
const formTypes = /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)/i

/**
 * Refuses whatever could change something and does not come from our own pages: the browser must say that it is from
 * the same origin, and name that origin. A program, which says neither, must send a type that no form can send.
 * Cookies are SameSite=Strict besides. Throws `cross_site_refused`.
 */
export function refuseCrossSite(origin: string): RequestHandler {
  return (request, _response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isOwn(request.headers, origin)) {
      throw new SealpostError('cross_site_refused')
    }
    next()
  }
}

function isOwn(headers: Readonly<Record<string, string | string[] | undefined>>, expected: string): boolean {
  const { origin, 'sec-fetch-site': site, 'content-type': type } = headers
  if (site !== undefined && site !== 'same-origin') return false
  if (origin !== undefined) return origin === expected
  return site === undefined && typeof type === 'string' && !formTypes.test(type)
}
