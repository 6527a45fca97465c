import type { Router } from 'express'
import { z } from 'zod'
import {
  type DestinationSummary,
  destinationPage,
  domainsWithoutRule,
  showDestination,
  wishDestination,
} from '../../../delivery/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { probeDomain } from '../actions.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'
import { destinationForm, domainName, probeForm } from '../forms.ts'
import { domainOfPath, limit, present, readQuery, words } from '../query.ts'
import { readJson } from '../read-json.ts'

export const destinationQuery = z.strictObject({
  mode: z.enum(['auto', 'pinned', 'secure']).optional(),
  q: words.optional(),
  limit,
  after: domainName.optional(),
})

export function routeDestinationsApi(api: Router, context: ConsoleContext): void {
  const { knex, clock, sender } = context

  api
    .route('/destinations')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      const query = readQuery(request, destinationQuery)
      const [destinations, withoutRule] = await Promise.all([
        destinationPage(knex, present(query)),
        domainsWithoutRule(knex, 50),
      ])
      const next = destinations.length === query.limit ? (destinations.at(-1)?.domain ?? null) : null
      response.json({ destinations: destinations.map(summary), next, withoutRule })
    })
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const wish = await readJson(request, destinationForm)
      const done = await wishDestination(knex, clock, operator, wish, sender)
      if (done.outcome === 'asked') {
        response.status(202).location(`/v1/change-requests/${done.change.id}`).json(done.change)
      } else {
        response
          .status(201)
          .location(`/v1/destinations/${wish.domain}`)
          .json(await showDestination(knex, wish.domain))
      }
    })
    .all(refuseMethod('GET, HEAD, POST'))

  api
    .route('/destinations/:domain')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      response.json(await showDestination(knex, domainOfPath(request)))
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/destinations/:domain/probe')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const domain = domainOfPath(request)
      const { rule } = await readJson(request, probeForm)
      response.json(await probeDomain(context, operator, domain, rule))
    })
    .all(refuseMethod('POST'))
}

/** Without certificates, of which a page of a list would hold megabytes. */
function summary({ domain, rule, updatedAt, last, lastDelivered }: DestinationSummary) {
  const hosts = rule.mode === 'auto' ? [] : rule.hosts
  return { domain, mode: rule.mode, hosts, updatedAt, last, lastDelivered }
}
