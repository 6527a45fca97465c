import type { Router } from 'express'
import { requireRole } from '../../../access/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { openEvidenceRate, sendEvidence } from '../../evidence.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'

/** The evidence of any message, for auditors. */
export function routeEvidenceApi(api: Router, context: ConsoleContext): void {
  const evidence = sendEvidence(context, openEvidenceRate(), async request => {
    const operator = await operatorBehind(context, request)
    requireRole(operator, 'auditor')
    return { actor: { kind: 'operator', id: operator.id } }
  })
  api.route('/messages/:id/evidence').get(evidence).all(refuseMethod('GET'))
}
