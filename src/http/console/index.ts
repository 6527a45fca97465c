import { type Express, type Request, Router } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import { createFrame } from '../browser/frame.ts'
import { openRate } from '../browser/rate.ts'
import { routeDocs } from '../docs/routes.ts'
import { refuse } from '../refuse.ts'
import { createOperatorApi } from './api/index.ts'
import { type ConsoleContext, type ConsoleDependencies, operatorBehind } from './dependencies.ts'
import { routeAuditPages } from './pages/audit.ts'
import { routeChangePages } from './pages/changes.ts'
import { routeDeliveryPages } from './pages/deliveries.ts'
import { routeDestinationPage } from './pages/destination.ts'
import { routeDestinationPages } from './pages/destinations.ts'
import { routeKeyPage } from './pages/key.ts'
import { routeOverview } from './pages/overview.ts'
import { routePolicyPages } from './pages/policies.ts'
import { routeProbePage } from './pages/probe.ts'
import { routeQuarantinePages } from './pages/quarantine.ts'
import { routeRecipientPage } from './pages/recipient.ts'
import { routeRecipientPages } from './pages/recipients.ts'
import { routeWebhookPages } from './pages/webhooks.ts'
import { routeSignIn } from './sign-in.ts'

/** The pages and the API of operators. Whatever is not one of them does not exist. */
export function createConsole(dependencies: ConsoleDependencies): Express {
  const { sender } = dependencies
  const app = createFrame(dependencies)
  const site = {
    organisation: sender.organisation,
    purpose: 'console',
    wide: true,
    home: '/',
  } as const
  const context: ConsoleContext = {
    ...dependencies,
    site,
    failures: openRate({ burst: 10, perMinute: 2 }),
    efforts: openRate({ burst: 15, perMinute: 3 }),
    probes: openRate({ burst: 6, perMinute: 2 }),
    exports: openRate({ burst: 6, perMinute: 2 }),
  }
  const pages = Router({ caseSensitive: true })
  routeOverview(pages, context)
  routeRecipientPages(pages, context)
  routeRecipientPage(pages, context)
  routeChangePages(pages, context)
  routeKeyPage(pages, context)
  routePolicyPages(pages, context)
  routeDestinationPages(pages, context)
  routeDestinationPage(pages, context)
  routeProbePage(pages, context)
  routeQuarantinePages(pages, context)
  routeDeliveryPages(pages, context)
  routeAuditPages(pages, context)
  routeWebhookPages(pages, context)

  routeSignIn(app, context)
  routeDocs(app, sender.organisation)
  app.use('/v1', createOperatorApi(context))
  app.use(pages)
  app.use(() => {
    throw new SealpostError('not_found')
  })
  const actorOf = async (request: Request) =>
    ({ kind: 'operator', id: (await operatorBehind(context, request)).id }) as const
  // A path below /v1 belongs to programs, whatever it is.
  const siteFor = (request: Request) => (/^\/v1(?:\/|$)/.test(request.originalUrl) ? undefined : site)
  app.use(refuse({ ...dependencies, listener: 'console', actorOf, siteFor }))
  return app
}
