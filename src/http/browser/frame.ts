import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import { type Page, renderPage, type Site } from '../page/layout.ts'
import { browserHeaders } from './headers.ts'
import { openRate, peerKey } from './rate.ts'
import { refuseCrossSite } from './same-site.ts'

interface FrameOptions {
  /** The origin that our own pages have. */
  readonly origin: string
  /** Aborted once this replica is shutting down. */
  readonly stopping: AbortSignal
}

/**
 * An application for browsers before it has a route: its headers, a bound on requests per peer, and no effect that
 * another site asks for. Queries are for the routes to read, from the URL; nothing else ever parses one.
 */
export function createFrame({ origin, stopping }: FrameOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.set('case sensitive routing', true)
  const requests = openRate({ burst: 300, perMinute: 150 })
  app.use(browserHeaders(stopping), (request, _response, next) => {
    requests.take(peerKey(request.socket.remoteAddress))
    next()
  })
  app.use(refuseCrossSite(origin))
  return app
}

export function sendPage(response: Response, site: Site, page: Page, status = 200): void {
  response.status(status).type('html').send(renderPage(site, page))
}

/** Answers a form: the browser goes on with a GET, so that reloading sends nothing again. */
export function goTo(response: Response, path: `/${string}`): void {
  response.redirect(303, path)
}

export function refuseMethod(allowed: string): RequestHandler {
  return (_request, response) => {
    response.set('Allow', allowed)
    throw new SealpostError('method_not_allowed')
  }
}

/** A secret from a path: `link_invalid` unless it has the form of those that we make. */
export function tokenOf(request: Request): string {
  const { token } = request.params
  if (typeof token !== 'string' || !/^[A-Za-z0-9_-]{20,128}$/.test(token)) {
    throw new SealpostError('link_invalid')
  }
  return token
}
