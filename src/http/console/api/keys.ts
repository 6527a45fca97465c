import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Router } from 'express'
import { z } from 'zod'
import { requireRole } from '../../../access/index.ts'
import {
  exposureCsv,
  exposureJson,
  exposureOf,
  findCertificate,
  inventoryOf,
  listCertificates,
} from '../../../keys/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { revokeKey } from '../actions.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'
import { revocationForm } from '../forms.ts'
import { certificateName, fingerprintOf, instant, limit, present, readQuery, recipientId } from '../query.ts'
import { readJson } from '../read-json.ts'

const keyQuery = z.strictObject({
  state: z.enum(['active', 'retired', 'revoked']).optional(),
  recipient: recipientId.optional(),
  expiresBefore: instant.optional(),
  limit,
  after: certificateName.optional(),
})

const exposureQuery = z.strictObject({
  since: instant.optional(),
  format: z.enum(['json', 'csv']).default('json'),
})

export function routeKeysApi(api: Router, context: ConsoleContext): void {
  const { knex, clock } = context

  api
    .route('/keys')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      const { limit: most, after, ...filter } = readQuery(request, keyQuery)
      const page = { limit: most, ...(after === undefined ? {} : { after }) }
      const keys = await listCertificates(knex, present(filter), page)
      const last = keys.length === most ? keys.at(-1) : undefined
      response.json({ keys, next: last ? `${last.fingerprint}-${last.encryptionSubkey}` : null })
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/keys/:fingerprint')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      response.json(await findCertificate(knex, fingerprintOf(request)))
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/keys/:fingerprint/revoke')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const key = fingerprintOf(request)
      const { reason } = await readJson(request, revocationForm)
      response.json(await revokeKey(context, operator, key, reason))
    })
    .all(refuseMethod('POST'))

  // Not `/exposure` below a page: who reads what was sent to a key is audited, so it takes a role that needs to know.
  api
    .route('/keys/:fingerprint/exposure')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      requireRole(operator, 'admin', 'auditor')
      const { since, format } = readQuery(request, exposureQuery)
      const actor = { kind: 'operator', id: operator.id } as const
      const exposure = await exposureOf(knex, clock, actor, fingerprintOf(request), since)
      if (format === 'csv') response.type('text/csv').attachment('exposure.csv')
      else response.type('application/json')
      await pipeline(
        Readable.from(format === 'csv' ? exposureCsv(exposure) : exposureJson(exposure)),
        response,
      )
    })
    .all(refuseMethod('GET'))

  api
    .route('/inventory')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      const [inventory, connections] = await Promise.all([
        inventoryOf(knex, clock.now()),
        context.connections(),
      ])
      response.json({ ...inventory, connections })
    })
    .all(refuseMethod('GET, HEAD'))
}
