import type { IRouter } from 'express'
import { refuseMethod, sendPage } from '../browser/frame.ts'
import type { Site } from '../page/layout.ts'
import { describeApi } from './document.ts'
import { errorsPage } from './errors-page.ts'
import { docsPage } from './page.ts'

/**
 * The API of applications, described: for programs at `/openapi.json`, for people at `/docs`. Nobody needs to be known for it. The
 * headers of answers to browsers are the caller's.
 */
export function routeDocs(app: IRouter, organisation: string): void {
  const site: Site = {
    organisation,
    purpose: 'HTTP API',
    foot: 'These pages need no script and set no cookie.',
  }
  const document = describeApi()
  const text = JSON.stringify(document)

  app
    .route('/openapi.json')
    .get((_request, response) => {
      response.type('application/json').send(text)
    })
    .all(refuseMethod('GET, HEAD'))
  app
    .route('/docs')
    .get((_request, response) => sendPage(response, site, docsPage(document)))
    .all(refuseMethod('GET, HEAD'))
  app
    .route('/docs/errors')
    .get((_request, response) => sendPage(response, site, errorsPage()))
    .all(refuseMethod('GET, HEAD'))
}
