import type { Router } from 'express'
import { z } from 'zod'
import { findChangeRequest, listChangeRequests } from '../../../access/index.ts'
import { type ChangeRequestId, isId } from '../../../kernel/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'
import { noForm } from '../forms.ts'
import { idOf, limit, present, readQuery } from '../query.ts'
import { readJson } from '../read-json.ts'

export const changeQuery = z.strictObject({
  state: z.enum(['pending', 'approved', 'rejected', 'withdrawn', 'expired', 'void']).optional(),
  limit,
  after: z.custom<ChangeRequestId>(value => typeof value === 'string' && isId('chg', value)).optional(),
})

export const decisions = ['approve', 'reject', 'withdraw'] as const

export function routeChangesApi(api: Router, context: ConsoleContext): void {
  const { knex, approvals } = context

  api
    .route('/change-requests')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      const query = readQuery(request, changeQuery)
      const changes = await listChangeRequests(knex, present(query))
      response.json({ changes, next: changes.length === query.limit ? (changes.at(-1)?.id ?? null) : null })
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/change-requests/:id')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      response.json(await findChangeRequest(knex, idOf(request)))
    })
    .all(refuseMethod('GET, HEAD'))

  for (const decision of decisions) {
    api
      .route(`/change-requests/:id/${decision}`)
      .post(async (request, response) => {
        const operator = await operatorBehind(context, request)
        await readJson(request, noForm)
        response.json(await approvals[decision](operator, idOf(request)))
      })
      .all(refuseMethod('POST'))
  }
}
