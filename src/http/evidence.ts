import type { Request, RequestHandler, Response } from 'express'
import type { Knex } from 'knex'
import type { Actor } from '../audit/index.ts'
import { issueEvidence } from '../evidence/index.ts'
import { type ApplicationId, type Clock, SealpostError } from '../kernel/index.ts'
import { openRate, type Rate } from './browser/rate.ts'

/** Who asks, and which messages they may ask about. */
export interface EvidenceReader {
  readonly actor: Actor & { readonly id: string }
  /** Of this application only; of any when undefined. */
  readonly application?: ApplicationId
}

/** Each takes a second of the database at most, and leaves an event. */
export function openEvidenceRate(): Rate {
  return openRate({ burst: 60, perMinute: 60 })
}

/** `GET …/messages/:id/evidence`: a file, which is recorded before it is sent. `readerOf` throws to refuse. */
export function sendEvidence(
  { knex, clock }: { readonly knex: Knex; readonly clock: Clock },
  rate: Rate,
  readerOf: (request: Request) => Promise<EvidenceReader>,
): RequestHandler<{ id: string }> {
  return async (request, response: Response) => {
    const { actor, application } = await readerOf(request as Request)
    // HEAD would leave an event of a file that nobody got.
    if (request.method !== 'GET') {
      response.set('Allow', 'GET')
      throw new SealpostError('method_not_allowed')
    }
    rate.take(actor.id)
    const { name, text } = await issueEvidence({ knex, clock }, actor, request.params.id, application)
    response.attachment(name).type('application/json').send(text)
  }
}
