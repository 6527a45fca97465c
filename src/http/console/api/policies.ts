import type { Router } from 'express'
import type { Knex } from 'knex'
import {
  listPolicies,
  listPolicyRecords,
  loadPolicy,
  type PolicyRecord,
  type PolicyStanding,
  policyStanding,
} from '../../../policy/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { askAdoption, assessPolicy } from '../actions.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'
import { adoptionForm } from '../forms.ts'
import { present } from '../query.ts'
import { readJson } from '../read-json.ts'

interface Policies {
  readonly standing: PolicyStanding
  /** Those of this installation. */
  readonly policies: readonly {
    readonly name: string
    readonly reviewBy: string
    readonly effectiveFrom: string
  }[]
  /** What was adopted, the newest first. */
  readonly records: readonly PolicyRecord[]
}

export async function policiesAt(knex: Knex, at: Date): Promise<Policies> {
  const [standing, records] = await Promise.all([policyStanding(knex, at), listPolicyRecords(knex, 50)])
  const policies = listPolicies().map(name => {
    const { reviewBy, effectiveFrom } = loadPolicy(name)
    return { name, reviewBy, effectiveFrom }
  })
  return { standing, policies, records }
}

export function routePoliciesApi(api: Router, context: ConsoleContext): void {
  const { knex, clock } = context

  api
    .route('/policies')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      response.json(await policiesAt(knex, clock.now()))
    })
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const wish = await readJson(request, adoptionForm)
      const change = await askAdoption(context, operator, present(wish))
      response.status(202).location(`/v1/change-requests/${change.id}`).json(change)
    })
    .all(refuseMethod('GET, HEAD, POST'))

  api
    .route('/policies/assess')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const wish = await readJson(request, adoptionForm)
      response.json(await assessPolicy(context, operator, present(wish)))
    })
    .all(refuseMethod('POST'))
}
