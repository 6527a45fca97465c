import type { Express, Request } from 'express'
import type { Actor } from '../../audit/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { readCookie } from '../browser/cookies.ts'
import { createFrame } from '../browser/frame.ts'
import { openRate } from '../browser/rate.ts'
import { refuse } from '../refuse.ts'
import type { PublicDependencies } from './dependencies.ts'
import { routeEnrolment } from './enrolment.ts'
import { routeLinks } from './links.ts'
import { routeOwnCertificate } from './own-certificate.ts'

/** The pages for recipients. Whatever is not one of them does not exist. */
export function createPublic(dependencies: PublicDependencies): Express {
  const { organisation, enrolment } = dependencies
  const app = createFrame(dependencies)
  const site = { organisation, purpose: 'encrypted mail' }
  const context = {
    ...dependencies,
    site,
    failures: openRate({ burst: 20, perMinute: 4 }),
    efforts: openRate({ burst: 15, perMinute: 3 }),
  }
  // The fixed paths below /enrol come before the links, which would take them for a token.
  routeEnrolment(app, context)
  routeLinks(app, context)
  routeOwnCertificate(app, context)
  app.use(() => {
    throw new SealpostError('not_found')
  })

  const actorOf = async (request: Request): Promise<Actor> => {
    const { recipient } = await enrolment.recipientOf(readCookie(request, '__Host-enrolment'))
    return { kind: 'recipient', id: recipient.id }
  }
  app.use(refuse({ ...dependencies, listener: 'public', actorOf, siteFor: () => site }))
  return app
}
