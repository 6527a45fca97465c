import type { Express } from 'express'
import { browserHeaders } from '../browser/headers.ts'
import { routeDocs } from '../docs/routes.ts'
import type { ApiDependencies } from './dependencies.ts'

/** The description of this API, for programs and for people. */
export function routeDescription(app: Express, { stopping }: ApiDependencies): void {
  app.use(['/docs', '/openapi.json'], browserHeaders(stopping))
  routeDocs(app, 'Sealpost')
}
